import EventLoop
import Linux
import MonitorClient
import OCI
import Protobuf
import Support
import TTRPC
import TaskAPI
import Testing

/// What containerd asks of a task beyond its start and end.
@Suite(.serialized) struct TaskTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aTaskIsPausedResumedCountedAndLimited() async throws {
        try await TestPod.with { pod in
            try pod.writeBundle(["sh", "-c", "while read line; do echo got $line; done"])
            let client = try await pod.start(endsWithContainer: false)
            let input = try Pipe(), output = try Pipe(), error = try Pipe()
            let uri = try await client.handOver([
                input.reading.withRaw { $0 }, output.writing.withRaw { $0 }, error.writing.withRaw { $0 },
            ])
            try await pod.create(client, stdin: uri, stdout: uri, stderr: uri)
            _ = consume input.reading
            _ = consume output.writing
            _ = consume error.writing
            let task = TaskCalls(client, pod.id)
            let writer = try AsyncFD(input.writing), reader = try AsyncFD(output.reading)

            await expectStatus(.failedPrecondition) { try await task.pause() }
            await expectStatus(.alreadyExists) { try await pod.create(client) }
            try await pod.start(client)
            let exec = try await pod.exec(client, ["sleep", "600"])
            try await countsAndLists(task, exec)
            try await limits(task)

            await expectStatus(.failedPrecondition) { try await task.resume() }
            try await task.pause()
            #expect(try await task.state().status == .paused)
            #expect(pod.status?.paused == true)
            #expect(pod.status?.phase == .running)
            await expectStatus(.failedPrecondition) { try await task.pause() }
            await expectStatus(.failedPrecondition) { _ = try await pod.exec(client, ["true"], name: "late") }
            await expectStatus(.failedPrecondition) { try await task.delete() }
            try await writer.write(Array("one\n".utf8))
            await #expect(throws: TimedOut.self) {
                try await within(.milliseconds(300), waitingFor: "output") { _ = try await reader.read() }
            }
            // What a paused container uses and may use is no secret.
            try await task.update(#"{"pids":{"limit":100}}"#)
            #expect(try await task.stats().pids?.limit == 100)
            try await task.resume()
            #expect(try await task.state().status == .running)
            #expect(pod.status?.paused == false)
            #expect(
                try await within(.seconds(10), waitingFor: "output") { try await reader.read() }
                    == Array("got one\n".utf8))

            try await task.pause()
            try await task.kill(9, all: true)
            #expect(try await client.wait(pod.id).exitStatus == 137)
            #expect(pod.status?.paused == false)
            await expectStatus(.notFound) { try await task.kill(9) }
            await expectStatus(.failedPrecondition) { try await task.pause() }
            await expectStatus(.failedPrecondition) { try await task.update("{}") }
            try await task.delete()
            await expectStatus(.notFound) { _ = try await client.wait(pod.id) }
            await expectStatus(.notFound) { _ = try await task.stats() }
            let _: TaskEmpty = try await client.task(TaskService.Method.shutdown, ShutdownRequest())
            try await client.waitForEnd(within: .seconds(10))
            try await pod.expectNothingLeft()
        }
    }

    @EventLoop private func countsAndLists(_ task: TaskCalls, _ exec: String) async throws {
        let stats = try await task.stats()
        #expect(stats.pids?.current == 2)
        #expect((stats.memory?.usage?.usage ?? 0) > 0)
        #expect((stats.cpu?.usage?.totalNanoseconds ?? 0) > 0)

        let main = try await task.state().pid, other = try await task.state(exec).pid
        let processes = try await task.pids()
        #expect(Set(processes.map(\.pid)) == [main, other])
        #expect(processes.first { $0.pid == main }?.info == nil)
        let info = try #require(processes.first { $0.pid == other }?.info)
        #expect(info.typeURL == "containerd.runc.v1.ProcessDetails")
        #expect(try Protobuf.decode(ProcessDetails.self, from: info.value).execID == exec)
    }

    @EventLoop private func limits(_ task: TaskCalls) async throws {
        try await task.update(
            #"{"devices":[{"allow":false,"access":"rwm"}],"memory":{"limit":33554432,"swap":33554432},"#
                + #""cpu":{"shares":512,"quota":50000,"period":100000},"pids":{"limit":50}}"#)
        let stats = try await task.stats()
        #expect(stats.memory?.usage?.limit == 33_554_432)
        #expect(stats.memory?.swap?.limit == 33_554_432)
        #expect(stats.pids?.limit == 50)
        let refused = await expectStatus(.invalidArgument) {
            try await task.update(#"{"pids":{"limit":7},"cpu":{"quota":5}}"#)
        }
        #expect(refused?.message.contains("linux.resources.cpu.quota") == true)
        // The guest's kernel has the last word.
        await expectStatus(.failedPrecondition) { try await task.update(#"{"cpu":{"cpus":"77"},"pids":{"limit":7}}"#) }
        #expect(try await task.stats().pids?.limit == 50)
        let saved = await expectStatus(.unimplemented) {
            var request = CheckpointTaskRequest()
            request.id = task.id
            let _: TaskEmpty = try await task.client.task(TaskService.Method.checkpoint, request)
        }
        #expect(saved?.message.contains("checkpoints") == true)
    }

    @EventLoop @Test func manyCallsAtOnceWaitForNoOther() async throws {
        try await TestPod.with { pod in
            try pod.writeBundle(["sleep", "600"])
            let client = try await pod.start(endsWithContainer: false)
            // Of two with one name only the first is made, however far it is when the second comes.
            let creations = (0..<2).map { _ in Task { @EventLoop in try await pod.create(client) } }
            #expect(try await refusals(creations) == [.alreadyExists])
            // A container that was made and never started can be deleted, and its name is free then.
            let task = TaskCalls(client, pod.id)
            let waiting = Task { @EventLoop in try await client.wait(pod.id) }
            #expect(try await task.state().status == .created)
            try await task.delete()
            #expect(try await waiting.value.exitStatus == 137)
            try await pod.create(client)
            try await pod.start(client)

            let end = Task { @EventLoop in try await client.wait(pod.id) }
            let order = Order()
            var calls: [Task<Void, any Error>] = []
            for index in 0..<4 {
                calls.append(
                    Task { @EventLoop in
                        _ = try await pod.exec(client, ["sleep", "600"], name: "exec\(index)")
                        order.calls.append("exec")
                    })
            }
            for _ in 0..<4 {
                calls.append(
                    Task { @EventLoop in
                        _ = try await task.state()
                        order.calls.append("state")
                    })
                calls.append(Task { @EventLoop in _ = try await task.stats() })
                calls.append(Task { @EventLoop in _ = try await task.pids() })
            }
            for call in calls { try await call.value }
            // The monitor knows states by itself: they wait for no process that is being made.
            #expect(order.calls.prefix(4) == ["state", "state", "state", "state"])
            #expect(order.calls.count == 8)
            #expect(Set(try await task.pids().compactMap(\.info?.value)).count == 4)
            try await execsComeAndGo(task, pod)
            try await task.kill(9)
            #expect(try await end.value.exitStatus == 137)
            #expect(try await client.wait(pod.id, "exec3").exitStatus == 137)
            try await task.delete()
            await expectStatus(.notFound) { try await task.delete() }
            let _: TaskEmpty = try await client.task(TaskService.Method.shutdown, ShutdownRequest())
            try await client.waitForEnd(within: .seconds(10))
            try await pod.expectNothingLeft()
        }
    }

    /// The statuses of those that were refused.
    @EventLoop private func refusals(_ calls: [Task<Void, any Error>]) async throws -> [TTRPCCode] {
        var codes: [TTRPCCode] = []
        for call in calls {
            do {
                try await call.value
            } catch let error as TTRPCStatus {
                codes.append(error.code)
            }
        }
        return codes
    }

    @EventLoop private func execsComeAndGo(_ task: TaskCalls, _ pod: TestPod) async throws {
        await expectStatus(.alreadyExists) { _ = try await pod.exec(task.client, ["true"], name: "exec0") }
        await expectStatus(.failedPrecondition) { try await task.delete("exec0") }
        try await task.kill(9, "exec0")
        #expect(try await task.client.wait(pod.id, "exec0").exitStatus == 137)
        await expectStatus(.notFound) { try await task.kill(9, "exec0") }
        try await task.delete("exec0")
        await expectStatus(.notFound) { _ = try await task.client.wait(pod.id, "exec0") }
        // The name is free, in the guest, too.
        _ = try await pod.exec(task.client, ["true"], name: "exec0")
        #expect(try await task.client.wait(pod.id, "exec0").exitStatus == 0)
        // One whose client may be killed before it deletes it: its end can be asked for, and it goes.
        _ = try await pod.exec(task.client, ["sh", "-c", "exit 3"], name: "left", deletesItself: true)
        #expect(try await task.client.wait(pod.id, "left").exitStatus == 3)
        #expect(try await task.client.wait(pod.id, "left").exitStatus == 3)
        let gone = await #expect(throws: TTRPCStatus.self) {
            try await within(.seconds(30), waitingFor: "end of the process's record") {
                while true {
                    _ = try await task.state("left")
                    try await EventLoop.sleep(for: .milliseconds(100))
                }
            }
        }
        #expect(gone?.code == .notFound)
    }
}

/// Calls in the order of their answers.
@EventLoop private final class Order {
    var calls: [String] = []
}
