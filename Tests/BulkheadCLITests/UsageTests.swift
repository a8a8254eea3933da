import CommandTree
import SeededRandom
import TaskAPI
import Testing

@testable import BulkheadCLI

@Suite struct HumanSizeTests {
    @Test(
        arguments: [
            (0, "0B"), (1, "1B"), (999, "999B"), (1023, "1023B"), (1024, "1KiB"), (1536, "1.5KiB"), (1025, "1.001KiB"),
            (12_897_485, "12.3MiB"), (1 << 20, "1MiB"), (268_435_456, "256MiB"), ((1 << 20) - 1, "1024KiB"),
            (104_857_600, "100MiB"), (1_048_577, "1MiB"), (8_241_602_560, "7.676GiB"), (1 << 60, "1EiB"),
            (.max, "16EiB"),
            (10_240, "10KiB"), (1_024_512, "1000KiB"), (1_025_536, "1002KiB"), (252 << 10, "252KiB"),
        ] as [(UInt64, String)]) func memoryIsInPowersOf1024(_ bytes: UInt64, _ text: String)
    {
        #expect(HumanSize.binary(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "0B"), (1, "1B"), (999, "999B"), (1000, "1kB"), (1234, "1.23kB"), (1236, "1.24kB"), (12_340, "12.3kB"),
            (123_456, "123kB"), (999_499, "999kB"), (999_500, "1MB"), (999_999, "1MB"), (1_000_000, "1MB"),
            (1_500_000_000, "1.5GB"), (9_999, "10kB"), (99_950, "100kB"), (1_005_000, "1MB"), (.max, "18.4EB"),
        ] as [(UInt64, String)]) func trafficIsInPowersOf1000(_ bytes: UInt64, _ text: String)
    {
        #expect(HumanSize.decimal(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "0.00%"), (1, "0.01%"), (10, "0.10%"), (100, "1.00%"), (12_345, "123.45%"),
            (.max, "184467440737095516.15%"),
        ] as [(UInt64, String)]) func partsAreInPercent(_ hundredths: UInt64, _ text: String)
    {
        #expect(Percentage.text(hundredths: hundredths) == text)
    }

    @Test(
        arguments: [
            (1, 10_000, 2, 5000), (1, 10_000, 3, 3333), (2, 10_000, 3, 6667), (1, 1, 2, 1), (1, 1, 0, 0), (0, 5, 7, 0),
            (.max, 10_000, 1, .max), (.max, 10_000, .max, 10_000), (1, 10_000, .max, 0),
        ] as [(UInt64, UInt64, UInt64, UInt64)])
    func aRatioIsRounded(_ number: UInt64, _ factor: UInt64, _ whole: UInt64, _ ratio: UInt64) {
        #expect(Percentage.ratio(number, times: factor, of: whole) == ratio)
    }

    @Test func nothingTraps() {
        var random = SeededGenerator(seed: 11)
        for shift in 0..<64 {
            for _ in 0..<50 {
                let number = random.next() >> UInt64(shift)
                #expect(HumanSize.binary(number).utf8.count <= 8)
                #expect(HumanSize.decimal(number).utf8.count <= 6)
                _ = Percentage.ratio(number, times: random.next(), of: random.next() >> UInt64(shift))
            }
        }
    }
}

@Suite struct UsageFiguresTests {
    private static func sample(at nanoseconds: UInt64, cpu microseconds: UInt64) -> ContainerUsage {
        var usage = ContainerUsage()
        (usage.atNanoseconds, usage.cpuMicroseconds) = (nanoseconds, microseconds)
        return usage
    }

    private static let machine: MachineUsage = {
        var machine = MachineUsage()
        (machine.memoryTotalBytes, machine.memoryAvailableBytes) = (1000, 400)
        return machine
    }()

    @Test(
        arguments: [
            (0, 0, 1_000_000_000, 1_000_000, 10_000), (0, 0, 1_000_000_000, 500_000, 5000),
            (0, 0, 2_000_000_000, 1_000_000, 5000), (0, 0, 1_000_000_000, 4_000_000, 40_000),
            (5, 7, 1_000_000_005, 7, 0), (0, 0, 1_000_000_000, 123_456, 1235),
            // One moment, a clock or a count that goes back: nothing can be said.
            (5, 7, 5, 8, nil), (5, 7, 4, 8, nil), (5, 7, 1_000_000_000, 6, nil), (0, 0, 1, .max, .max),
        ] as [(UInt64, UInt64, UInt64, UInt64, UInt64?)])
    func processorsAreCountedBetweenTwoSamples(
        _ start: UInt64, _ before: UInt64, _ end: UInt64, _ after: UInt64, _ hundredths: UInt64?
    ) {
        let figures = UsageFigures(
            Self.sample(at: end, cpu: after), since: Self.sample(at: start, cpu: before), machine: Self.machine)
        #expect(figures.cpu == hundredths)
        var (first, second) = (Self.machine, Self.machine)
        (first.atNanoseconds, first.cpuMicroseconds) = (start, before)
        (second.atNanoseconds, second.cpuMicroseconds) = (end, after)
        #expect(UsageFigures(second, since: first).cpu == hundredths)
    }

    @Test func oneSampleTellsNoTime() {
        #expect(UsageFigures(Self.sample(at: 1, cpu: 1), since: nil, machine: Self.machine).cpu == nil)
        #expect(UsageFigures(Self.machine, since: nil).cpu == nil)
    }

    @Test(
        arguments: [
            (100, 30, 500, 70, 500), (100, 100, 500, 100, 500), (100, 200, 500, 100, 500), (100, 0, .max, 100, 1000),
            (100, 0, 5000, 100, 1000), (0, 0, 0, 0, 0),
        ] as [(UInt64, UInt64, UInt64, UInt64, UInt64)])
    func memoryIsWithoutFilesOfNoUse(
        _ used: UInt64, _ inactive: UInt64, _ limit: UInt64, _ shown: UInt64, _ shownLimit: UInt64
    ) {
        var usage = ContainerUsage()
        (usage.memoryBytes, usage.inactiveFileBytes, usage.memoryLimitBytes) = (used, inactive, limit)
        let figures = UsageFigures(usage, since: nil, machine: Self.machine)
        #expect((figures.memoryBytes, figures.memoryLimitBytes) == (shown, shownLimit))
    }

    @Test(arguments: [(1000, 400, 600), (1000, 2000, 0), (0, .max, 0)] as [(UInt64, UInt64, UInt64)])
    func aMachineUsesWhatIsNotAvailable(_ total: UInt64, _ available: UInt64, _ used: UInt64) {
        var machine = MachineUsage()
        (machine.memoryTotalBytes, machine.memoryAvailableBytes) = (total, available)
        #expect(UsageFigures(machine, since: nil).memoryBytes == used)
    }
}

@Suite struct UsageRowTests {
    private static let figures: UsageFigures = {
        var before = ContainerUsage(), now = ContainerUsage(), machine = MachineUsage()
        machine.memoryTotalBytes = 256 << 20
        (now.atNanoseconds, now.cpuMicroseconds, now.pids) = (1_000_000_000, 505_000, 3)
        (now.memoryBytes, now.memoryLimitBytes) = (12_897_485, .max)
        (now.network, now.block) = (Transfer(inBytes: 1234, outBytes: 0), Transfer(inBytes: 0, outBytes: 5_000_000))
        before.id = "c"
        var figures = UsageFigures(now, since: before, machine: machine)
        figures.host = HostMemory(smaps: [
            "55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss: 3072 kB\nPss: 2048 kB\nPss_Dirty: 9 kB\n"
                + "Shared_Clean: 1024 kB\nShared_Dirty: 1 kB\nPrivate_Clean: 1536 kB\nPrivate_Dirty: 511 kB\n",
            "", "Pss: x kB\nPss: 1\nPrivate_Dirty: 1 kB\nPss: 512 kB\n",
        ])
        return figures
    }()

    private static let id = String(repeating: "0123456789abcdef", count: 4)

    @Test func aTableHasDockersColumns() {
        let rows = [
            UsageRow(id: Self.id, name: "web", figures: Self.figures), UsageRow(id: "b", name: "old", figures: .zero),
            UsageRow(id: "c", name: "mute", figures: nil),
        ]
        #expect(
            UsageRow.text(rows, .table, whole: false, withPods: false) == """
                CONTAINER ID   NAME   CPU %    MEM USAGE / LIMIT   MEM %   NET I/O       BLOCK I/O   PIDS   HOST PSS / PRIVATE / SHARED
                0123456789ab   web    50.50%   12.3MiB / 256MiB    4.80%   1.23kB / 0B   0B / 5MB    3      2.5MiB / 2MiB / 1.001MiB
                b              old    0.00%    0B / 0B             0.00%   0B / 0B       0B / 0B     0      --
                c              mute   --       -- / --             --      --            --          --     --

                """)
    }

    @Test func podsHaveAColumn() {
        let rows = [UsageRow(id: "a", name: UsageRow.total, pod: "shop", figures: nil)]
        let text = UsageRow.text(rows, .table, whole: true, withPods: true)
        #expect(text.hasPrefix("POD    CONTAINER ID   NAME      CPU %"))
        #expect(text.contains("\nshop   a              (total)   --"))
        #expect(UsageRow.text([], .table, whole: true, withPods: true).hasPrefix("POD   CONTAINER ID"))
    }

    @Test func jsonHasDockersNames() {
        let row = UsageRow(id: Self.id, name: "web", figures: Self.figures)
        #expect(
            UsageRow.text([row], .json, whole: false, withPods: false) == """
                {"BlockIO":"0B / 5MB","CPUPerc":"50.50%","Container":"0123456789ab","ID":"0123456789ab",\
                "MemPerc":"4.80%","MemUsage":"12.3MiB / 256MiB","Name":"web","NetIO":"1.23kB / 0B","PIDs":"3",\
                "HostPSS":"2.5MiB","HostPrivate":"2MiB","HostShared":"1.001MiB"}

                """)
        let other = UsageRow(id: Self.id, name: "web", pod: "shop", figures: nil)
        let text = UsageRow.text([other], .json, whole: true, withPods: true)
        #expect(text.contains("\"ID\":\"\(Self.id)\""))
        #expect(text.contains("\"CPUPerc\":\"--\""))
        #expect(text.hasSuffix(",\"Pod\":\"shop\"}\n"))
    }
}
