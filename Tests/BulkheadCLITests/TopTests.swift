import Calendar
import CommandTree
import SeededRandom
import TaskAPI
import Testing

@testable import BulkheadCLI

@Suite struct ProcessListOptionsTests {
    private static func titles(_ arguments: [String]) throws(UsageError) -> [String] {
        try ProcessListOptions(arguments, command: "bulkhead top").columns.map(\.title)
    }

    private static let full = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    private static let user = [
        "USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND",
    ]

    @Test(
        arguments: [
            ([], full), (["-ef"], full), (["-fe"], full), (["-e", "-f"], full), (["-Af"], full), (["-efww"], full),
            (["aux"], user), (["-aux"], user), (["u"], user), (["auxww"], user), (["ax", "u"], user),
            (["-e"], ["PID", "TTY", "TIME", "CMD"]), (["-A"], ["PID", "TTY", "TIME", "CMD"]),
            (["ax"], ["PID", "TTY", "STAT", "TIME", "COMMAND"]),
            (["-eo", "pid,args"], ["PID", "COMMAND"]), (["-o", "pid"], ["PID"]), (["-opid"], ["PID"]),
            (["-o", "pid", "-o", "rss"], ["PID", "RSS"]), (["axo", "comm"], ["COMMAND"]), (["o", "uid"], ["UID"]),
            (["-o", "pid=,args=WHAT IT IS"], ["", "WHAT IT IS"]), (["-o", "%cpu, %mem"], ["%CPU", "%MEM"]),
            (["-o", "pid=a=b"], ["a=b"]),
        ] as [([String], [String])]) func columnsAreThoseOfPs(_ arguments: [String], _ titles: [String]) throws
    {
        #expect(try Self.titles(arguments) == titles)
    }

    @Test(
        arguments: [
            (["-l"], "-l is not supported"), (["-a"], "-a is not supported"), (["-wx"], "-x is not supported"),
            (["-eH"], "-H is not supported"),
            (["--forest"], "--forest is not supported"),
            (["-p", "1"], "-p is not supported"), (["1"], "1 is not supported"), (["auxf"], "auxf is not supported"),
            (["--"], "-- is not supported"), (["-"], "- is not supported"), ([""], "is not supported"),
            (["-o"], "-o for \"bulkhead top\" needs a value (LIST)"), (["o"], "needs a value (LIST)"),
            (["-o", ""], "unknown column \"\""), (["-o", "pid,"], "unknown column \"\""),
            (["-o", "pidd"], "did you mean pid?"), (["-o", "wchan"], "there is args, bsdstart"),
            (["-o", "=X"], "unknown column \"\""), (["-ef", "-o", "pid"], "either -o, or -f"),
            (["-o\u{1B}[2J"], "unknown column"), (["-\u{1B}"], "-? is not supported"),
            (["aux", "-o", "pid"], "either -o"),
        ] as [([String], String)]) func whatIsNotThereIsNamed(_ arguments: [String], _ words: String)
    {
        let error = #expect(throws: UsageError.self) { _ = try Self.titles(arguments) }
        let text = error?.description ?? ""
        #expect(text.contains(words), "\(text)")
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test func everyColumnHasAName() {
        for kind in ProcessColumn.Kind.allCases { #expect(ProcessColumn.Kind.named(kind.rawValue) == kind) }
        for name in ProcessColumn.Kind.otherNames.keys { #expect(ProcessColumn.Kind(rawValue: name) == nil) }
    }
}

@Suite struct ProcessColumnTests {
    private static let now = Moment("2026-03-02T01:30:00Z") ?? Moment(seconds: 0)
    private static let context = ProcessColumn.Context(memoryBytes: 1000 << 10, now: now)

    private static func process(_ change: (inout ProcessUsage) -> Void) -> ProcessUsage {
        var process = ProcessUsage()
        change(&process)
        return process
    }

    private static func cell(_ kind: ProcessColumn.Kind, _ process: ProcessUsage) -> String {
        ProcessColumn(kind).cell(process, context)
    }

    private static let sample = process {
        ($0.pid, $0.parent, $0.uid, $0.nice, $0.threads) = (7, 1, 1000, -5, 3)
        ($0.residentBytes, $0.virtualBytes) = (125 << 10, 4096 << 10)
        ($0.ageMilliseconds, $0.cpuMilliseconds) = (100_000, 25_500)
        ($0.state, $0.name, $0.arguments, $0.terminal) = ("Ss+", "sh", ["sh", "-c", "x y"], 0x8803)
    }

    @Test(
        arguments: [
            (.pid, "7"), (.ppid, "1"), (.uid, "1000"), (.user, "1000"), (.ni, "-5"), (.nlwp, "3"), (.rss, "125"),
            (.vsz, "4096"), (.pmem, "12.5"), (.pcpu, "25.5"), (.c, "25"), (.stat, "Ss+"), (.s, "S"), (.comm, "sh"),
            (.args, "sh -c x y"), (.cmd, "sh -c x y"), (.tty, "pts/3"), (.time, "00:00:25"), (.bsdtime, "0:25"),
            (.etime, "01:40"), (.etimes, "100"), (.start, "01:28:20"), (.stime, "01:28"), (.bsdstart, "01:28"),
        ] as [(ProcessColumn.Kind, String)]) func aCellIsThatOfPs(_ kind: ProcessColumn.Kind, _ text: String)
    {
        #expect(Self.cell(kind, Self.sample) == text)
    }

    @Test(
        arguments: [
            (0, "00:00:00", "0:00", "00:00"), (59, "00:00:59", "0:59", "00:59"), (60, "00:01:00", "1:00", "01:00"),
            (3599, "00:59:59", "59:59", "59:59"), (3600, "01:00:00", "60:00", "01:00:00"),
            (86_399, "23:59:59", "1439:59", "23:59:59"), (86_400, "01-00:00:00", "1440:00", "01-00:00:00"),
            (8_640_000, "100-00:00:00", "144000:00", "100-00:00:00"),
        ] as [(UInt64, String, String, String)])
    func timesAreThoseOfPs(_ seconds: UInt64, _ time: String, _ short: String, _ elapsed: String) {
        let process = Self.process { ($0.cpuMilliseconds, $0.ageMilliseconds) = (seconds * 1000, seconds * 1000) }
        #expect(Self.cell(.time, process) == time)
        #expect(Self.cell(.bsdtime, process) == short)
        #expect(Self.cell(.etime, process) == elapsed)
    }

    /// Now it is half past one in the night of the second of March.
    @Test(
        arguments: [
            (0, "01:30", "01:30:00", "01:30"), (5400, "00:00", "00:00:00", "00:00"),
            (5401, "Mar01", "23:59:59", "23:59"),
            (86_400, "Mar01", "Mar 01", "Mar01"), (3 * 86_400, "Feb27", "Feb 27", "Feb27"),
            (90 * 86_400, "2025", "Dec 02", "Dec02"),
        ] as [(UInt64, String, String, String)])
    func aStartIsATimeOrADay(_ age: UInt64, _ stime: String, _ start: String, _ bsdstart: String) {
        let process = Self.process { $0.ageMilliseconds = age * 1000 }
        #expect(Self.cell(.stime, process) == stime)
        #expect(Self.cell(.start, process) == start)
        #expect(Self.cell(.bsdstart, process) == bsdstart)
    }

    @Test(
        arguments: [
            (0, "?"), (0x8800, "pts/0"), (0x88FF, "pts/255"), (0x8901, "pts/257"), (0x10_8800, "pts/256"),
            (0x0401, "tty1"), (0x0440, "ttyS0"), (0x0501, "console"), (0x0500, "?"), (.max, "?"), (0x0100, "?"),
        ] as [(UInt32, String)]) func aTerminalHasItsName(_ device: UInt32, _ name: String)
    {
        #expect(Self.cell(.tty, Self.process { $0.terminal = device }) == name)
    }

    @Test(
        arguments: [
            (0, 0, "0.0", "0"), (1, 0, "0.0", "0"), (999, 1000, "99.9", "99"), (1000, 1000, "100.0", "99"),
            (4000, 1000, "400.0", "99"), (1, 100_000, "0.0", "0"),
        ] as [(UInt64, UInt64, String, String)])
    func aPartOfAProcessorIsRoundedDown(_ cpu: UInt64, _ age: UInt64, _ pcpu: String, _ c: String) {
        let process = Self.process { ($0.cpuMilliseconds, $0.ageMilliseconds) = (cpu, age) }
        #expect(Self.cell(.pcpu, process) == pcpu)
        #expect(Self.cell(.c, process) == c)
    }

    @Test func aGuestThatLiesTrapsNobody() {
        var random = SeededGenerator(seed: 3)
        let numbers: [UInt64] = [0, 1, 999, .max, .max - 1, 1 << 63, 1 << 32]
        func number() -> UInt64 {
            Bool.random(using: &random) ? numbers.randomElement(using: &random) ?? 0 : random.next()
        }
        for _ in 0..<500 {
            let process = Self.process {
                ($0.pid, $0.parent, $0.uid) = (.random(in: 0 ... .max, using: &random), .max, .max)
                ($0.ageMilliseconds, $0.cpuMilliseconds) = (number(), number())
                ($0.residentBytes, $0.virtualBytes) = (number(), number())
                ($0.nice, $0.threads, $0.terminal) = (.min, .max, UInt32(truncatingIfNeeded: number()))
                ($0.state, $0.name) = (String(repeating: "S", count: 4000), "")
            }
            for memory in [0, number()] {
                let context = ProcessColumn.Context(
                    memoryBytes: memory, now: Moment(nanosecondsSince1970: Int64(truncatingIfNeeded: number())))
                for kind in ProcessColumn.Kind.allCases {
                    #expect(ProcessColumn(kind).cell(process, context).utf8.count < 40)
                }
            }
        }
    }
}
