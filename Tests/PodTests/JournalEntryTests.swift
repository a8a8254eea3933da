import Pod
import SeededRandom
import Testing

@Suite struct JournalEntryTests {
    private static let entries: [JournalEntry] = [
        .process(pid: 4711, startTime: 99), .record(path: "/var/lib/bulkhead/containers/a \"b\"", removed: true),
        .record(path: "/x", removed: false), .events("/var/lib/bulkhead/events"),
        .cgroup(
            directories: ["/sys/fs/cgroup/cpu/a", "/sys/fs/cgroup/pids/a"], isUnified: false, unit: "", slice: "",
            wasThere: true),
        .cgroup(directories: [], isUnified: true, unit: "a.scope", slice: "b.slice", wasThere: false),
        .socket("/run/containerd/s/a"),
        .record(
            path: "/x", removed: true, link: "/n",
            subject: EventSubject(isPod: true, id: "a", attributes: ["name": "b", "label \"c\"": "d"])),
    ]

    private static var written: [UInt8] { JournalEntry.header + entries.flatMap(\.line) }

    @Test func whatIsWrittenIsRead() throws {
        #expect(try JournalEntry.parse(Self.written) == Self.entries)
        #expect(try JournalEntry.parse(JournalEntry.header) == [])
        #expect(try JournalEntry.parse([]) == [])
    }

    @Test func aWriterThatDiedInALineLosesThatLineOnly() throws {
        for count in 0..<Self.written.count {
            let read = try JournalEntry.parse(Array(Self.written.prefix(count)))
            #expect(read == Array(Self.entries.prefix(read.count)))
        }
    }

    @Test(arguments: [
        "{\"journal\":2}\n", "nothing\n", "{\"journal\":1}\n{\"process\":1,\"startTime\":2}\n",
        "{\"journal\":1}\n{\"process\":-5,\"startTime\":2}\n", "{\"journal\":1}\n{\"record\":\"relative\"}\n",
        "{\"journal\":1}\n{\"what\":1}\n", "{\"journal\":1}\n{\"events\":\"relative\"}\n",
        "{\"journal\":1}\n{\"cgroup\":[\"relative\"]}\n", "{\"journal\":1}\n{\"cgroup\":[1]}\n",
        "{\"journal\":1}\n{\"socket\":\"relative\"}\n",
    ]) func whatIsNoJournalIsRefused(_ text: String) {
        #expect(throws: JournalError.self) { try JournalEntry.parse(Array(text.utf8)) }
    }

    @Test func randomBytesNeverTrap() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            var bytes = Self.written
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? JournalEntry.parse(bytes)
            _ = ContainerStatus(serialized: bytes)
        }
    }
}

@Suite struct ContainerStatusTests {
    @Test func whatIsWrittenIsRead() {
        var status = ContainerStatus(.running)
        (status.pid, status.startedAt, status.error) = (7, 1_700_000_000_123_456_789, "line\none \"two\"")
        (status.exitCode, status.outOfMemory, status.finishedAt, status.paused) = (137, true, 5, true)
        #expect(ContainerStatus(serialized: status.serialized) == status)
        for count in 0..<status.serialized.count - 1 {
            #expect(ContainerStatus(serialized: Array(status.serialized.prefix(count))) == nil)
        }
    }

    @Test func whatAnOlderMonitorWroteIsNotPaused() {
        let text = #"{"version":1,"phase":"running","pid":7,"startedAt":1,"finishedAt":0,"exitCode":0}"#
        #expect(ContainerStatus(serialized: Array(text.utf8))?.paused == false)
    }

    @Test func aLostContainerIsNeverASuccess() {
        var status = ContainerStatus(.running)
        status.paused = true
        status.lost(at: 9)
        #expect((status.phase, status.exitCode, status.finishedAt) == (.exited, 137, 9))
        #expect(!status.paused)
        status.exitCode = 3
        status.lost(at: 10)
        #expect((status.exitCode, status.finishedAt) == (3, 9))
    }
}
