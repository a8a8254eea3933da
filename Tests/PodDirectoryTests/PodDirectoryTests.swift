import Glibc
import Linux
import Pod
import PodDirectory
import Testing

@Suite struct PodDirectoryTests {
    private func withState(_ body: (String) throws -> Void) throws {
        let state = "/tmp/bulkhead-state-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        defer { try? Files.removeTree(state) }
        try body(state)
    }

    private func paths(_ state: String, _ id: String = "a") -> PodDirectory.Paths { .init(state: state, id: id) }

    @Test func aLivingPodIsLetAlone() throws {
        try withState { state in
            let pod = try PodDirectory.make(state: state, id: "a")
            #expect(throws: SystemCallError.self) { _ = try PodDirectory.make(state: state, id: "a") }
            #expect(try PodDirectory.takeOver(paths(state)) == nil)
            #expect(PodDirectory.sweep(state: state).isEmpty)
            #expect(pod.exists())
            #expect(try Files.status(pod.paths.pod).mode == 0o700)
            try pod.remove()
            #expect(!pod.exists())
            #expect(try Files.names(in: state + "/pods") == [])
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounting takes root")) func aStatusIsKeptOnAFullDisk() throws {
        try withState { record in
            try Files.makeDirectories(record)
            try Mounts.mount("tmpfs", on: record, type: "tmpfs", data: "size=64k")
            defer { try? Mounts.unmount(record, detach: true) }
            try ContainerStatus(.running).save(in: record)
            let ballast = try Files.open(record + "/ballast", [.writeOnly, .create])
            while (try? ballast.writeAll([UInt8](repeating: 0, count: 4096))) != nil {}
            #expect(throws: SystemCallError.self) { try Files.replace(record + "/other", with: [1]) }
            try ContainerStatus(.exited).save(in: record)
            let kept = try ContainerStatus(serialized: Files.read(record + "/" + ContainerStatus.fileName))
            #expect(kept == ContainerStatus(.exited))
            #expect(try Set(Files.names(in: record)) == ["ballast", ContainerStatus.fileName])
        }
    }

    @Test func whatADeadMonitorLeftIsUndone() throws {
        try withState { state in
            let record = state + "/record", removed = state + "/removed"
            for path in [record, removed] {
                try Files.makeDirectories(path)
                try Files.write(ContainerStatus(.running).serialized, to: path + "/" + ContainerStatus.fileName)
            }
            var sleeper = SpawnPlan("/bin/sleep", ["sleep", "60"])
            sleeper.newSession = true
            let left = try sleeper.start(), other = try sleeper.start()
            do {
                let pod = try PodDirectory.make(state: state, id: "a")
                try pod.note(.record(path: record, removed: false))
                try pod.note(.record(path: removed, removed: true))
                try pod.note(.process(pid: left.pid, startTime: try #require(ProcessTime.start(of: left.pid))))
                // The number of a process that began at another time.
                try pod.note(.process(pid: other.pid, startTime: 1))
                try Files.makeDirectories(pod.paths.share + "/x")
            }
            // Its lock went with the last reference.
            #expect(PodDirectory.sweep(state: state) == [])
            #expect(try left.pidfd.wait() == .signaled(9))
            #expect(try !other.pidfd.hasEnded())
            try other.pidfd.signal(9)
            _ = try other.pidfd.wait()
            let status = ContainerStatus(serialized: try Files.read(record + "/" + ContainerStatus.fileName))
            #expect(status?.phase == .exited)
            #expect(status?.exitCode == 137)
            #expect(!Files.exists(removed))
            #expect(try Files.names(in: state + "/pods") == [])
        }
    }

    /// So that it can be killed as long as it is no pod's.
    @Test func aSparesMonitorIsFoundUntilItIsAPods() throws {
        try withState { state in
            let spare = try PodDirectory.make(state: state, id: "x-1", kind: .spare)
            _ = try spare.claimUser(in: 70_000...70_000)
            let place = PodDirectory.Paths(state: state, id: "x-1", kind: .spare)
            let isFound = try PodDirectory.monitor(place) != nil
            #expect(isFound)
            try Files.write(Array("\(getpid()) 1".utf8), to: place.pod + "/monitor")
            let isOfAnother = try PodDirectory.monitor(place) == nil
            #expect(isOfAnother)
            try spare.give(toPod: "a", state: state)
            let isFoundStill = try PodDirectory.monitor(place) != nil
            #expect(!isFoundStill)
            try spare.remove()
        }
    }

    /// Nobody takes an old journal's lock for that of a monitor that is no more.
    @Test func aJournalThatIsWrittenAnewIsStillLocked() throws {
        try withState { state in
            var pod: PodDirectory? = try PodDirectory.make(state: state, id: "a")
            // As somebody who has opened it before has it.
            let old = try Files.open(paths(state).journal, [.readWrite, .append])
            for number in 0..<20 {
                _ = try pod?.rewrite([.events("/\(number)")])
                #expect(try PodDirectory.takeOver(paths(state)) == nil)
                #expect(pod?.exists() == true)
            }
            #expect(try Files.lock(old, wait: false))
            #expect(throws: SystemCallError.self) {
                try pod?.note(.events("/" + String(repeating: "x", count: JournalEntry.maximumBytes)))
            }
            let text = try Files.readText(paths(state).journal)
            #expect(text.contains("/19") && !text.contains("/18"))
            pod = nil
            // Another test's child may still have what it inherits, until it executes its program.
            for _ in 0..<600 where Files.exists(paths(state).pod) {
                try PodDirectory.undo(leftIn: paths(state))
                usleep(50_000)
            }
            #expect(!Files.exists(paths(state).pod))
            try PodDirectory.undo(leftIn: paths(state))
        }
    }

    /// Whoever notes an end may do so while another removes the container.
    @Test func aRecordIsRemovedWhileItsStatusIsKept() async throws {
        let directory = "/tmp/bulkhead-record-\(getpid())"
        try Files.makeDirectories(directory + "/names")
        defer { try? Files.removeTree(directory) }
        let record = directory + "/record", link = directory + "/names/web"
        for _ in 0..<200 {
            try Files.makeDirectories(record)
            try Files.symlink("../record", at: link)
            async let saving: Void? = try? ContainerStatus(.exited).save(in: record)  // It has gone.
            try PodDirectory.removeRecord(record, link: link)
            _ = await saving
            #expect(!Files.exists(record))
            #expect(Files.isMissing(link))
        }
    }

    @Test func everyPodHasAUserOfItsOwn() throws {
        try withState { state in
            let first = try PodDirectory.make(state: state, id: "a"),
                second = try PodDirectory.make(state: state, id: "b")
            let range: ClosedRange<UInt32> = 70_000...70_001
            let users = [try first.claimUser(in: range), try second.claimUser(in: range)]
            #expect(users.sorted() == [70_000, 70_001])
            let third = try PodDirectory.make(state: state, id: "c")
            #expect(throws: SystemCallError.self) { _ = try third.claimUser(in: range) }
            try first.remove()
            #expect(try third.claimUser(in: range) == users[0])
            // Removed by somebody who does not know of users.
            try Files.removeTree(second.paths.pod)
            #expect(try PodDirectory.make(state: state, id: "d").claimUser(in: range) == users[1])
        }
    }

    @Test func aDamagedJournalStaysAndIsTold() throws {
        try withState { state in
            try Files.makeDirectories(paths(state).pod)
            try Files.write(Array("{\"journal\":9}\n".utf8), to: paths(state).journal)
            let errors = PodDirectory.sweep(state: state)
            #expect(errors.count == 1)
            #expect(errors.first?.description.contains("not of version 1") == true)
            #expect(Files.exists(paths(state).journal))
        }
    }

    @Test func aDirectoryWithoutAJournalIsRemoved() throws {
        try withState { state in
            try Files.makeDirectories(paths(state).pod)
            #expect(PodDirectory.sweep(state: state) == [])
            #expect(try Files.names(in: state + "/pods") == [])
        }
    }
}
