import AgentAPI
import Linux
import SeededRandom
import Testing

@testable import Container

@Suite struct ProcessContentTests {
    /// A stat file of process 42 with that name and, from the state on, these fields; the rest of them is 0.
    private static func stat(_ name: String, _ fields: [Int: String] = [:]) -> [UInt8] {
        let all = (0..<50).map { fields[$0] ?? ($0 == 0 ? "S" : "0") }
        return Array("42 (\(name)) \(all.joined(separator: " "))\n".utf8)
    }

    @Test(arguments: [
        "sh", "", " ", ")", "(", ") (", ") S 1 1 1 1 1 (", "a\nb", "a\u{0}b", "((()))", "tab\there", "é",
    ]) func aNameMayBeAnything(_ name: String) throws {
        let content = try #require(ProcessContent(stat: Self.stat(name, [1: "7"])))
        #expect(content.name == name)
        #expect((content.state, content.parent) == ("S", 7))
    }

    @Test func everyFieldHasItsPlace() throws {
        let fields = [
            0: "R", 1: "2", 2: "3", 3: "4", 4: "34817", 5: "-1", 11: "150", 12: "50", 13: "999", 16: "-5", 17: "6",
            19: "1234", 20: "4096000", 21: "10",
        ]
        let content = try #require(ProcessContent(stat: Self.stat("x", fields)))
        #expect((content.parent, content.terminal, content.nice, content.threads) == (2, 34817, -5, 6))
        #expect((content.cpuMilliseconds, content.startMilliseconds) == (2000, 12340))
        #expect((content.virtualBytes, content.residentBytes) == (4_096_000, 40960))
        #expect(content.state == "R<l")
    }

    @Test(
        arguments: [
            ([:], "S"), ([16: "5"], "SN"), ([16: "-5"], "S<"), ([17: "2"], "Sl"), ([3: "42"], "Ss"),
            ([2: "42", 3: "42", 5: "0"], "Ss"), ([0: "Z"], "Z"),
        ] as [([Int: String], String)]) func theStateIsThatOfPs(_ fields: [Int: String], _ state: String)
    {
        #expect(ProcessContent(stat: Self.stat("x", fields))?.state == state)
    }

    /// The group and the group in the terminal's foreground are the third and the sixth of the fields behind the name.
    @Test(arguments: [("42", "42", "S+"), ("42", "43", "S"), ("42", "-1", "S"), ("0", "0", "S")])
    func theForegroundIsMarked(_ group: String, _ foreground: String, _ state: String) {
        #expect(ProcessContent(stat: Self.stat("x", [2: group, 5: foreground]))?.state == state)
    }

    @Test(arguments: [
        "", "42", "42 (sh", "42 sh) S 1", ") (", "42 (sh)", "42 (sh) S 1 1 1",
        " (sh) S" + String(repeating: " 0", count: 40),
        "42 (sh) SS" + String(repeating: " 0", count: 40), "42 (sh) 7" + String(repeating: " 0", count: 40),
        "42 (sh) S" + String(repeating: " x", count: 40),
        "42 (sh) S" + String(repeating: " 99999999999999999999", count: 40),
    ]) func whatIsNoStatIsNone(_ text: String) {
        #expect(ProcessContent(stat: Array(text.utf8)) == nil)
    }

    @Test func numbersThatAreTooLargeDoNotTrap() throws {
        let most = "\(UInt64.max)"
        let content = try #require(
            ProcessContent(stat: Self.stat("x", [11: most, 12: most, 19: most, 20: most, 21: most])))
        #expect((content.cpuMilliseconds, content.startMilliseconds, content.residentBytes) == (.max, .max, .max))
    }

    @Test(
        arguments: [
            ("Name:\tsh\nUid:\t1\t2\t3\t4\nNSpid:\t42\t7\n", 2, [42, 7]), ("", 0, []), ("Uid:\t1\n", 0, []),
            ("Uid:\tx\ty\tz\t0\nNSpid:\tx\t5\n", 0, [5]), ("Uid:\t0\t4294967295\t0\t0\nNSpid:\t4294967296", .max, []),
            ("Name:\ta\\nUid:\\t0\nNSpid:\t1\t2\t3", 0, [1, 2, 3]),
        ] as [(String, UInt32, [UInt32])]) func userAndNumbersAreFound(
            _ text: String, _ uid: UInt32, _ numbers: [UInt32]
        )
    {
        let identity = ProcessContent.Identity(status: Array(text.utf8))
        #expect((identity.uid, identity.numbers) == (uid, numbers))
        #expect(identity.number(level: 0) == numbers.first ?? 0)
        #expect(identity.number(level: numbers.count) == 0)
    }

    @Test func whatThisKernelWritesIsRead() throws {
        let content = try #require(ProcessContent(stat: try Files.read("/proc/self/stat")))
        let status = ProcessContent.Identity(status: try Files.read("/proc/self/status"))
        #expect(status.numbers.first == UInt32(CurrentProcess.id))
        #expect(status.uid == CurrentProcess.user)
        #expect(content.residentBytes > 1 << 20)
        #expect(content.virtualBytes >= content.residentBytes)
        #expect(content.threads >= 1)
        #expect(content.startMilliseconds <= MonotonicTime.now / 1_000_000)
    }

    @Test func nothingMakesTheParsersTrap() throws {
        var random = SeededGenerator(seed: 7)
        let whole = Self.stat(") (", [11: "9", 19: "5"])
        for end in whole.indices { _ = ProcessContent(stat: Array(whole[..<end])) }
        let alphabet = Array("0123456789 \n\t():-xSZ\u{0}é".utf8)
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] = alphabet[Int.random(in: alphabet.indices, using: &random)]
            }
            _ = ProcessContent(stat: bytes)
            let noise = (0..<80).map { _ in alphabet[Int.random(in: alphabet.indices, using: &random)] }
            _ = ProcessContent(stat: noise)
            #expect(ProcessContent.Identity(status: Array("NSpid:".utf8) + noise).numbers.count <= 40)
            #expect(NetworkContent.interfaces(noise).isEmpty)
            let machine = MachineResponse(
                memory: String(decoding: noise, as: UTF8.self), processors: String(decoding: noise, as: UTF8.self))
            #expect(machine.memoryTotalBytes == 0)
        }
    }
}

@Suite struct NetworkContentTests {
    private static let heading = """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed

        """
    private static let numbers = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"

    @Test func columnsAreThoseOfTheKernel() throws {
        let text = Self.heading + "    lo:\(Self.numbers)\n  eth0: 100       0    0 0 0 0 0 0 200 0 0 0 0 0 0 0\n"
        let found = NetworkContent.interfaces(Array(text.utf8))
        #expect(found.map(\.interface) == ["lo", "eth0"])
        let loopback = try #require(found.first)
        #expect((loopback.receivedBytes, loopback.receivedPackets) == (1, 2))
        #expect((loopback.receiveErrors, loopback.receiveDrops) == (3, 4))
        #expect((loopback.sentBytes, loopback.sentPackets) == (9, 10))
        #expect((loopback.sendErrors, loopback.sendDrops) == (11, 12))
        #expect(found.last?.sentBytes == 200)
    }

    @Test(arguments: [
        "", "lo", "lo:", ":\(numbers)\n", "lo:\(numbers)", "lo: 1 2 3\n", "lo:\(numbers) 17\n",
        "lo: x 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", "lo: -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        "lo: 18446744073709551616 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    ]) func whatIsNoInterfaceIsPassedOver(_ text: String) {
        #expect(NetworkContent.interfaces(Array(text.utf8)).isEmpty)
    }

    @Test func nameAndCountAreBoundedByTheKernelAndUs() {
        let text = (0..<1000).map { "e\($0):\(Self.numbers)\n" }.joined()
        #expect(NetworkContent.interfaces(Array(text.utf8)).count == NetworkStatistics.limit)
        let bytes = [0xFF, 0x80] + Array(":\(Self.numbers)\n".utf8)
        #expect(NetworkContent.interfaces(bytes).map(\.interface) == ["\u{FFFD}\u{FFFD}"])
    }

    @Test func thisProcessHasItsLoopback() {
        #expect(NetworkContent.interfaces(ofProcess: CurrentProcess.id).contains { $0.interface == "lo" })
        #expect(NetworkContent.interfaces(ofProcess: .max).isEmpty)
    }
}

@Suite struct MachineContentTests {
    @Test func memoryAndProcessorsAreCounted() {
        let machine = MachineResponse(
            memory: "MemTotal:        1000 kB\nMemFree:  5 kB\nMemAvailable:    400 kB\nHugePages_Total:  0\n",
            processors: "cpu  1 2 4 8 16 32 64 128 256 512\ncpu0 9 9 9 9\n")
        #expect((machine.memoryTotalBytes, machine.memoryAvailableBytes) == (1_024_000, 409_600))
        #expect(machine.cpuMicroseconds == (1 + 2 + 4 + 32 + 64) * 10_000)
    }

    @Test(
        arguments: [
            ("", "", 0, 0), ("MemTotal: x kB", "cpu x y z", 0, 0), ("MemTotal: 1 MB", "cpu0 1 1 1", 0, 0),
            ("MemTotal: 18446744073709551615 kB", "cpu 18446744073709551615 1 1", .max, .max),
            ("MemTotal: 2 kB", "cpu 1", 2048, 10_000),
        ] as [(String, String, UInt64, UInt64)])
    func whatIsNotUnderstoodIsNone(_ memory: String, _ processors: String, _ total: UInt64, _ cpu: UInt64) {
        let machine = MachineResponse(memory: memory, processors: processors)
        #expect((machine.memoryTotalBytes, machine.cpuMicroseconds) == (total, cpu))
    }

    @Test func thisMachineIsCounted() throws {
        let machine = try GuestMachine.usage()
        #expect(machine.memoryTotalBytes > machine.memoryAvailableBytes)
        #expect(machine.memoryAvailableBytes > 0)
        #expect(machine.cpuMicroseconds > 0)
        #expect(machine.atNanoseconds > 0)
    }
}
