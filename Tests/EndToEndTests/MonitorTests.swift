import EventLoop
import Linux
import Monitor
import MonitorClient
import OCI
import Pod
import PodDirectory
import Protobuf
import SpecTranslation
import Support
import TTRPC
import TaskAPI
import Testing

/// A pod by its monitor's sockets: from a bundle's config.json to an exit code, and nothing left whatever is killed.
@Suite(.serialized) struct MonitorTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aBundleRunsInAPodOfItsOwn() async throws {
        try await TestPod.with { pod in
            try pod.writeBundle(["sh", "-c", "cat; echo oops >&2; uname -r; exit 42"])
            let client = try await pod.start(endsWithContainer: true)
            let input = try Pipe(), output = try Pipe(), error = try Pipe()
            let uri = try await client.handOver([
                input.reading.withRaw { $0 }, output.writing.withRaw { $0 }, error.writing.withRaw { $0 },
            ])
            try await pod.create(client, stdin: uri, stdout: uri, stderr: uri)
            let ours = try PipeEnds(input.writing, output.reading, error.reading)
            _ = consume input.reading
            _ = consume output.writing
            _ = consume error.writing

            // A second front end, by the socket.
            let other = try MonitorClient.connect(pod.paths)
            try await other.hello()
            let state: StateResponse = try await other.task(TaskService.Method.state, TaskProcessRequest(id: pod.id))
            #expect(state.status == .created)
            #expect(pod.status?.phase == .created)

            try await pod.start(client)
            #expect(pod.status?.phase == .running)
            try await ours.input.write(Array("from outside\n".utf8))
            ours.input.close()
            #expect(try await client.wait(pod.id).exitStatus == 42)
            let (text, errors) = try await ours.outputs()
            #expect(text.hasPrefix("from outside\n6.1."))
            #expect(errors == "oops\n")
            try await client.waitForEnd(within: .seconds(10))
            #expect(pod.status?.exitCode == 42)
            try await pod.expectNothingLeft()
        }
    }

    enum Victim: CaseIterable { case client, monitor, reaperAndMonitor, machine, removedDirectory, removedRecord }

    @EventLoop @Test(arguments: Victim.allCases) func nothingIsLeftWhateverIsKilled(_ victim: Victim) async throws {
        try await TestPod.with { pod in
            try pod.writeBundle(["sleep", "600"])
            let client = try await pod.start(endsWithContainer: true)
            try await pod.create(client)
            if victim != .client { try await pod.start(client) }
            let processes = try pod.processes()
            #expect(processes.count == 3, "a monitor, a reaper, a machine: \(processes)")
            let waiting = Task { @EventLoop in try await client.wait(pod.id) }
            func kill(_ role: String) throws {
                for process in processes where process.role == role { try PidFD(process.pid).signal(9) }
            }
            switch victim {
            // Before the container has begun: nobody would ever end it.
            case .client: client.close()
            case .monitor: try kill("monitor")
            case .reaperAndMonitor:
                try kill("reaper")
                try kill("monitor")
            case .machine: try kill("machine")
            case .removedDirectory: try Files.removeTree(pod.state + "/pods")
            case .removedRecord: try Files.removeTree(pod.record)
            }
            if [.machine, .removedDirectory, .removedRecord].contains(victim) {
                #expect(try await waiting.value.exitStatus == 137)
            } else {
                await #expect(throws: TTRPCStatus.self) { _ = try await waiting.value }
            }
            if victim == .reaperAndMonitor {
                try await pod.waitUntilGone(processes)
                #expect(PodDirectory.sweep(state: pod.state) == [])
            }
            try await pod.waitUntilGone(processes)
            if victim != .removedRecord {
                #expect(pod.status?.phase == .exited)
                #expect(pod.status?.exitCode == 137)
            }
            try await pod.expectNothingLeft()
        }
    }

    /// A starter that gives up is not waited for.
    @EventLoop @Test func aMonitorWhoseMachineDiedBeforeTheStartGoesWhenTold() async throws {
        try await TestPod.with { pod in
            try pod.writeBundle(["sleep", "600"])
            let client = try await pod.start(endsWithContainer: true)
            try await pod.create(client)
            for process in try pod.processes() where process.role == "machine" { try PidFD(process.pid).signal(9) }
            await #expect(throws: TTRPCStatus.self) { try await pod.start(client) }
            var request = ShutdownRequest()
            request.now = true
            let _: TaskEmpty? = try? await client.task(TaskService.Method.shutdown, request)
            try await client.waitForEnd(within: .seconds(3))
            try await pod.expectNothingLeft()
        }
    }

    @EventLoop @Test func aMonitorStaysUntilItIsShutDown() async throws {
        try await TestPod.with { pod in
            let client = try await pod.start(endsWithContainer: false)
            try pod.writeBundle(["sleep", "600"])
            try await pod.create(client)
            try await pod.start(client)
            try pod.writeBundle(["sh", "-c", "exit 3"], sysctls: [:])
            try await pod.create(client, container: "second")
            try await pod.start(client, container: "second")
            #expect(try await client.wait("second").exitStatus == 3)
            let deleted: DeleteResponse = try await client.task(
                TaskService.Method.delete, TaskProcessRequest(id: "second"))
            #expect(deleted.exitStatus == 3)
            // An exec returns with its own exit, whatever it has left behind.
            let output = try Pipe()
            let uri = try await client.handOver([output.writing.withRaw { $0 }])
            _ = consume output.writing
            let exec = try await pod.exec(client, ["sh", "-c", "sleep 60 & echo x"], stdout: uri)
            #expect(try await client.wait(pod.id, exec).exitStatus == 0)
            let reader = try AsyncFD(output.reading)
            #expect(try reader.readNow(upTo: 10) == Array("x\n".utf8))

            for (command, code) in [("no-such-command", UInt32(127)), ("/etc", 126)] {
                await #expect(throws: TTRPCStatus.self) {
                    _ = try await pod.exec(client, [command], name: command.filter { $0 != "/" })
                }
                let end = try await client.wait(pod.id, command.filter { $0 != "/" })
                #expect(end.exitStatus == code)
            }
            for process in try pod.processes() where process.role == "monitor" {
                #expect(try Files.names(in: "/proc/\(process.pid)/task").count == 1, "a loop, and no pool beside it")
            }
            var kill = KillRequest()
            (kill.id, kill.signal) = (pod.id, 15)
            // A first process without a handler takes SIGKILL only.
            kill.signal = 9
            let _: TaskEmpty = try await client.task(TaskService.Method.kill, kill)
            #expect(try await client.wait(pod.id).exitStatus == 137)
            let _: DeleteResponse = try await client.task(TaskService.Method.delete, TaskProcessRequest(id: pod.id))
            let _: TaskEmpty = try await client.task(TaskService.Method.shutdown, ShutdownRequest())
            try await client.waitForEnd(within: .seconds(10))
            try await pod.expectNothingLeft()
        }
    }
}
