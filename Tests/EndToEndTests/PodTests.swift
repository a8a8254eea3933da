import EventLoop
import Linux
import MonitorClient
import Pod
import Support
import TTRPC
import TaskAPI
import Testing

/// Pods with a pause container: what their containers share, and how they end.
@Suite(.serialized) struct PodTests {
    init() { BackgroundLoop.start() }

    /// In one container's script, and in another's that waits for it.
    private static let ready = "echo > /dev/shm/ready", untilReady = "until [ -e /dev/shm/ready ]; do sleep 0.1; done"

    @EventLoop @Test func containersShareNetworkIPCAndNameAndNothingElse() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared()
            try await client.ready()
            #expect(pod.status?.phase == .running)

            // The network: who listens in one is found from another.
            try await pod.run(client, "server", "nc -ll -p 8080 -e echo hello")
            #expect(
                try await pod.output(client, "client", "until nc 127.0.0.1 8080 </dev/null; do sleep 0.1; done")
                    == "hello\n")
            // System V shared memory and semaphores, POSIX queues, /dev/shm.
            try await pod.run(client, "maker", "echo text > /dev/shm/file; echo > /dev/mqueue/queue; sleep 600")
            let seen = try await pod.output(
                client, "viewer",
                "until [ -e /dev/mqueue/queue ]; do sleep 0.1; done; cat /dev/shm/file; ls /dev/mqueue; hostname")
            #expect(seen == "text\nqueue\nthe-pod\n")
            // Processes and files are a container's own.
            let own = try await pod.output(
                client, "own", "echo $$; ps | head -n 2; ls /proc | head -n 1; echo x > /mine; ls /mine; ls /dev/shm")
            #expect(own.contains("1\n") && own.hasSuffix("/mine\nfile\n"))
            #expect(!own.contains("sleep"))
            #expect(try await pod.output(client, "other", "ls /mine || echo not here").hasSuffix("not here\n"))
            // A name is free again when its container is deleted; the pod has not noticed.
            #expect(try await pod.output(client, "own", "ls /mine || echo new").hasSuffix("new\n"))
            await expectStatus(.alreadyExists) { try await pod.run(client, "server", "true") }
            await expectStatus(.alreadyExists) { try await pod.run(client, pod.id, "true") }
            try await end(client, pod)
        }
    }

    @EventLoop @Test func aSemaphoreOfOneContainerIsSeenInTheOther() async throws {
        try await TestPod.with { pod in
            try pod.install(Guest.repository + "/build/tests/semaphore")
            let client = try await pod.startShared()
            let made = try await pod.output(client, "first", "semaphore show 77 || semaphore make 77 5; echo made")
            #expect(made == "made\n")
            #expect(try await pod.output(client, "second", "semaphore show 77") == "5\n")
            // Two that delete one at once: one of them does it, the other one learns of it.
            try await pod.run(client, "third", "true")
            _ = try await client.wait("third")
            let deletions = (0..<2).map { _ in Task { @EventLoop in try await TaskCalls(client, "third").delete() } }
            var refused = 0
            for deletion in deletions {
                do { try await deletion.value } catch let error as TTRPCStatus {
                    #expect(error.code == .notFound)
                    refused += 1
                }
            }
            #expect(refused == 1)
            try await end(client, pod)
        }
    }

    /// Whoever makes a container may be killed before its start, and nobody else knows of it then.
    @EventLoop @Test func aContainerWithoutItsCreatorGoes() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared()
            let creator = try MonitorClient.connect(pod.paths)
            let record = pod.state + "/lost"
            try Files.makeDirectories(record)
            try pod.writeBundle(["sleep", "600"], sysctls: [:])
            try await pod.create(creator, container: "lost") {
                ($0.needsCreator, $0.record, $0.removesRecord) = (true, record, true)
            }
            try await pod.create(creator, container: "patient")
            try await pod.create(creator, container: "begun") { $0.needsCreator = true }
            try await pod.start(creator, container: "begun")
            creator.close()
            try await within(.seconds(20), waitingFor: "end of the container") {
                while Files.exists(record) { try await EventLoop.sleep(for: .milliseconds(20)) }
            }
            await expectStatus(.notFound) { _ = try await TaskCalls(client, "lost").state() }
            #expect(try await TaskCalls(client, "patient").state().status == .created)
            #expect(try await TaskCalls(client, "begun").state().status == .running)
            try await end(client, pod)
        }
    }

    /// A monitor that is asked by too many lives, whatever becomes of their connections.
    @EventLoop @Test func aConnectionTooManyIsNotTheMonitorsEnd() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared()
            try await client.ready()
            // Connected to, it listens: those of before take all the room.
            var crowd: [AsyncFD] = []
            for _ in 0..<300 { crowd.append(try AsyncFD(UnixSocket.connect(.stream, path: pod.paths.taskSocket))) }
            let late = try MonitorClient.connect(pod.paths)
            await expectStatus(.unavailable) { try await late.hello() }
            await #expect(throws: TimedOut.self) { try await late.waitForEnd(within: .seconds(1)) }
            for connection in crowd { connection.close() }
            let waiting = Task { @EventLoop in try await late.waitForEnd(within: .seconds(30)) }
            try await end(client, pod)
            try await waiting.value
        }
    }

    @EventLoop @Test func processesAreSharedWhenThePodSaysSo() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared { $0.sharesProcesses = true }
            try await pod.run(client, "sleeper", "sleep 4321")
            let seen = try await pod.output(client, "viewer", "ps")
            #expect(seen.contains("/pause"), "the first process: \(seen)")
            #expect(seen.contains("sleep 4321"))
            // An orphan is reaped by the pause container, and what a container leaves behind ends with it.
            try await pod.run(client, "parent", "(sleep 1234 &) ; (true &) ; sleep 600")
            let orphan = try await pod.output(
                client, "looks", "until ps | grep -q 'sleep 1234'; do sleep 0.1; done; ps")
            #expect(!orphan.contains("[true]"))
            try await TaskCalls(client, "parent").kill(9)
            _ = try await client.wait("parent")
            #expect(try await !pod.output(client, "again", "sleep 0.3; ps").contains("sleep 1234"))
            // From inside: the pod ends, with all that is in it.
            try await pod.run(client, "killer", "sleep 0.5; kill -TERM 1; sleep 600")
            #expect(try await client.wait("sleeper").exitStatus == 137)
            try await client.waitForEnd(within: .seconds(20))
            try await pod.expectNothingLeft()
            #expect(pod.status?.phase == .exited && pod.status?.exitCode == 0)
        }
    }

    /// With the pause container, by whatever end, ends the pod: containers have their signal, their time, and SIGKILL.
    @EventLoop @Test func withItsPauseContainerThePodEnds() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared()
            try Files.makeDirectories(pod.state + "/polite")
            try await pod.run(
                client, "polite", "trap 'exit 7' TERM; while :; do sleep 0.1; done"
            ) {
                ($0.record, $0.stopSeconds) = (pod.state + "/polite", 20)
            }
            try await pod.run(client, "usr1", "trap 'exit 8' USR1; \(Self.ready); while :; do sleep 0.1; done") {
                $0.stopSignal = 10
            }
            try await pod.run(client, "deaf", "trap '' TERM; while :; do sleep 0.1; done") { $0.stopSeconds = 3 }
            _ = try await pod.output(client, "waits", Self.untilReady)
            let ends = ["polite", "usr1", "deaf"].map { name in
                Task { @EventLoop in try await client.wait(name).exitStatus }
            }
            try await TaskCalls(client, pod.id).kill(9)
            _ = try await client.wait(pod.id)
            await expectStatus(.failedPrecondition) { try await pod.run(client, "late", "true") }
            var codes: [UInt32] = []
            for end in ends { codes.append(try await end.value) }
            #expect(codes == [7, 8, 137])
            try await client.waitForEnd(within: .seconds(10))
            try await pod.expectNothingLeft()
            #expect(pod.status?.exitCode == 137)
            #expect(TestPod.status(in: pod.state + "/polite")?.exitCode == 7)
        }
    }

    @EventLoop @Test func aPodIsStoppedItsFirstContainerLast() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared()
            try await pod.run(
                client, "polite", "trap 'sleep 1; exit 7' TERM; \(Self.ready); while :; do sleep 0.1; done")
            _ = try await pod.output(client, "waits", Self.untilReady)
            let first = Task { @EventLoop in
                let end = try await client.wait(pod.id)
                return (end.exitStatus, try #require(end.exitedAt))
            }
            let other = Task { @EventLoop in
                let end = try await client.wait("polite")
                return (end.exitStatus, try #require(end.exitedAt))
            }
            try await client.stop(within: .seconds(10))
            let (firstEnd, otherEnd) = (try await first.value, try await other.value)
            #expect(firstEnd.0 == 0 && otherEnd.0 == 7)
            #expect((otherEnd.1.seconds, otherEnd.1.nanoseconds) < (firstEnd.1.seconds, firstEnd.1.nanoseconds))
            try await client.waitForEnd(within: .seconds(10))
            try await pod.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerThatRunsOutOfMemoryEndsAlone() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared()
            try await pod.run(client, "sibling", "sleep 600")
            try pod.writeBundle(["sh", "-c", "a=x; while :; do a=$a$a; done"], sysctls: [:]) {
                $0.linux?.resources?.memory = .init()
                $0.linux?.resources?.memory?.limit = 16 << 20
            }
            try await pod.create(client, container: "greedy")
            try await pod.start(client, container: "greedy")
            let end = try await client.wait("greedy")
            #expect(end.exitStatus == 137 && end.outOfMemory)
            #expect(try await TaskCalls(client, "sibling").state().status == .running)
            #expect(try await TaskCalls(client, pod.id).state().status == .running)
            try await self.end(client, pod)
        }
    }

    @EventLoop @Test func aKilledMonitorLeavesNothingOfThreeContainers() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared()
            for name in ["a", "b", "c"] {
                try Files.makeDirectories(pod.state + "/" + name)
                try await pod.run(client, name, "sleep 600") { $0.record = pod.state + "/" + name }
            }
            let processes = try pod.processes()
            for process in processes where process.role == "monitor" { try PidFD(process.pid).signal(9) }
            try await pod.waitUntilGone(processes)
            try await pod.expectNothingLeft()
            for name in ["a", "b", "c", "record"] {
                let status = try #require(TestPod.status(in: pod.state + "/" + name))
                #expect(status.phase == .exited && status.exitCode == 137, "\(name)")
            }
        }
    }

    @EventLoop @Test func whatIsThePodsNoContainerCanHave() async throws {
        try await TestPod.with { pod in
            let client = try await pod.startShared { $0.sysctls = ["net.ipv4.ip_unprivileged_port_start": "81"] }
            #expect(
                try await pod.output(client, "sees", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start") == "81\n")
            try pod.writeBundle(["true"], sysctls: ["net.ipv4.ip_unprivileged_port_start": "0"])
            let refused = await expectStatus(.invalidArgument) { try await pod.create(client, container: "odd") }
            #expect(refused?.message.contains("is the pod's") == true)
            // Nothing is left of it, its name neither.
            #expect(try await pod.output(client, "odd", "echo even") == "even\n")
            try await end(client, pod)
        }
    }

    @EventLoop private func end(_ client: MonitorClient, _ pod: TestPod) async throws {
        try await client.stop(within: .seconds(1))
        try await client.waitForEnd(within: .seconds(20))
        try await pod.expectNothingLeft()
    }
}
