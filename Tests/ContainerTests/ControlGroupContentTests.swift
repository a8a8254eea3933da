import AgentAPI
import SeededRandom
import Testing

@testable import Container

@Suite struct ControlGroupContentTests {
    @Test(arguments: [
        ("0\n", 0), ("123\n", 123), ("max\n", UInt64.max), ("18446744073709551615", UInt64.max), ("", 0),
        ("18446744073709551616\n", 0), ("-1\n", 0), ("maximal\n", 0), ("7 8\n", 7), ("\n", 0),
    ])
    func aFileIsANumber(_ text: String, _ number: UInt64) {
        #expect(ControlGroupContent.number(text) == number)
    }

    @Test(arguments: [
        ("a 1\nb 2\n", ["a": 1, "b": 2]), ("", [:]), ("a\nb 1 2\nc x\nd -1\ne 18446744073709551616\nf 3", ["f": 3]),
        ("a 1\na 2\n", ["a": 1]), ("\n\n  a   5\n", ["a": 5]),
    ])
    func aFileIsNamesAndNumbers(_ text: String, _ numbers: [String: UInt64]) {
        #expect(ControlGroupContent.numbers(text) == numbers)
    }

    @Test func linesAreBounded() {
        let text = (0..<10_000).map { "k\($0) 1\n" }.joined()
        #expect(ControlGroupContent.numbers(text).count == ControlGroupContent.lineLimit)
    }

    @Test func devicesAreReadAndUnknownWordsPassedOver() {
        let text = """
            254:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6
            7:0
            8:0 rbytes=x wbytes=9 =1 rios cost.usage=4
            junk rbytes=1
            1:2:3 rbytes=1
            254:16 rbytes=7
            99999999999:1 rbytes=1
            """
        var loop = DeviceStatistics(), disk = DeviceStatistics(), virtual = DeviceStatistics()
        loop.major = 7
        (disk.major, disk.writtenBytes) = (8, 9)
        (virtual.major, virtual.minor, virtual.readBytes, virtual.writtenBytes) = (254, 16, 1, 2)
        (virtual.reads, virtual.writes) = (3, 4)
        #expect(ControlGroupContent.devices(text) == [loop, disk, virtual])
    }

    @Test(arguments: [
        ("1\n22\n", [1, 22]), ("", []), ("0\n-5\nx\n99999999999\n7", [7]),
    ])
    func processesAreNumbers(_ text: String, _ numbers: [Int32]) {
        #expect(ControlGroupContent.processes(text) == numbers)
    }

    @Test(arguments: [
        ("sleep\u{0}60\u{0}", ["sleep", "60"]), ("", []), ("a\u{0}\u{0}b", ["a", "", "b"]), ("\u{0}", []),
        ("title of its own", ["title of its own"]),
    ])
    func argumentsEndWithANul(_ text: String, _ arguments: [String]) {
        #expect(ControlGroupContent.arguments(Array(text.utf8)) == arguments)
    }

    @Test func everyFieldHasItsLine() {
        let lines = """
            anon 1
            file 2
            kernel_stack 3
            slab 4
            sock 5
            shmem 6
            file_mapped 7
            file_dirty 8
            file_writeback 9
            inactive_anon 10
            active_anon 11
            inactive_file 12
            active_file 13
            unevictable 14
            slab_reclaimable 15
            slab_unreclaimable 16
            pgfault 17
            pgmajfault 18
            """
        let memory = MemoryStatistics(ControlGroupContent.numbers(lines))
        #expect(
            [
                memory.anonymous, memory.file, memory.kernelStack, memory.slab, memory.sockets, memory.sharedMemory,
                memory.fileMapped, memory.fileDirty, memory.fileWriteback, memory.inactiveAnonymous,
                memory.activeAnonymous, memory.inactiveFile, memory.activeFile, memory.unevictable,
                memory.slabReclaimable, memory.slabUnreclaimable, memory.pageFaults, memory.majorPageFaults,
            ] == Array(1...18))
        let cpu = CPUStatistics(
            ControlGroupContent.numbers(
                "usage_usec 1\nuser_usec 2\nsystem_usec 3\nnr_periods 4\nnr_throttled 5\nthrottled_usec 6\n"))
        #expect(
            [
                cpu.usageMicroseconds, cpu.userMicroseconds, cpu.systemMicroseconds, cpu.periods, cpu.throttledPeriods,
                cpu.throttledMicroseconds,
            ] == Array(1...6))
        let events = MemoryEvents(
            ControlGroupContent.numbers("low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6"))
        #expect(
            [events.low, events.high, events.max, events.outOfMemory, events.outOfMemoryKills] == Array(1...5))
    }

    @Test func nothingMakesTheParsersTrap() {
        var random = SeededGenerator(seed: 42)
        let alphabet = Array("0123456789 \n:=max\u{0}-é".utf8)
        for _ in 0..<2000 {
            let bytes = (0..<60).map { _ in alphabet[Int.random(in: alphabet.indices, using: &random)] }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = ControlGroupContent.number(text)
            _ = ControlGroupContent.devices(text)
            #expect(ControlGroupContent.numbers(text).count <= 30)
            #expect(ControlGroupContent.processes(text).allSatisfy { $0 > 0 })
            #expect(ControlGroupContent.arguments(bytes).count <= 60)
        }
    }
}
