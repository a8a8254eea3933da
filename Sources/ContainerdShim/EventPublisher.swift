import ContainerdAPI
import EventLoop
import Linux
import MonitorClient
import Protobuf
import RPC
import TTRPC
import TaskAPI

/// Tells containerd what happens to tasks: each event once, in order. While containerd is away they wait, and when there
/// are too many the oldest go.
@EventLoop final class EventPublisher {
    /// As many as containerd's own shim keeps.
    private static let maximumQueue = 2048
    /// How long the program may take for one.
    private static let programLimit: Duration = .seconds(10)
    /// How often nobody is there until the program is tried.
    private static let failuresUntilProgram = 5
    private static let pauses: ClosedRange<Duration> = .milliseconds(100)...(.seconds(5))

    private let plan: ShimPlan
    private let warn: (String) -> Void
    private var queue: [EventEnvelope] = []
    private var lost = 0
    private var client: RPCClient?
    private var isSending = false
    private var failures = 0
    private let wentIdle = Condition()

    init(_ plan: ShimPlan, warn: @escaping (String) -> Void) { (self.plan, self.warn) = (plan, warn) }

    /// Returns at once.
    func publish(_ event: some TaskEvent) {
        let time = Timestamp(nanoseconds: WallClock.now)
        guard let envelope = try? EventEnvelope(event, at: time, in: plan.namespace) else { return }  // Never seen.
        queue.append(envelope)
        if queue.count > Self.maximumQueue {
            queue.removeFirst()
            lost += 1
        }
        guard !isSending else { return }
        isSending = true
        Task { @EventLoop in await self.send() }
    }

    /// Suspends until all have been sent, for `limit` at most.
    func finish(within limit: Duration) async {
        // Late is what the limit is for.
        try? await within(limit, waitingFor: "containerd") {
            while self.isSending { try await self.wentIdle.wait() }
        }
        client?.close()
    }

    private func send() async {
        var pause = Self.pauses.lowerBound
        while let envelope = queue.first {
            do {
                try await forward(envelope)
            } catch {
                client?.close()
                client = nil
                guard (try? await EventLoop.sleep(for: pause)) != nil else { break }
                pause = min(pause * 2, Self.pauses.upperBound)
                continue
            }
            pause = Self.pauses.lowerBound
            // It may have been dropped meanwhile.
            if queue.first == envelope { queue.removeFirst() }
            if lost > 0 {
                warn("\(lost) events were dropped: containerd was away for too long")
                lost = 0
            }
        }
        isSending = false
        wentIdle.notify()
    }

    /// Suspends until containerd has it: for as long as the connection is there, however late it is, since it has the event
    /// then.
    private func forward(_ envelope: EventEnvelope) async throws {
        let client: RPCClient?
        do {
            client = try connected()
        } catch {
            // containerd is just being restarted, most of the time.
            failures += 1
            guard failures >= Self.failuresUntilProgram, !plan.publisher.isEmpty else { throw error }
            return try await publishByProgram(envelope)
        }
        failures = 0
        guard let client else { return try await publishByProgram(envelope) }
        do {
            let _: TaskEmpty = try await client.call(
                EventService.name, EventService.forward, ForwardRequest(envelope), within: MonitorClient.forever)
        } catch let status as TTRPCStatus where status.code != .unavailable {
            // It has been taken and found wrong: again would be no better.
            warn("containerd does not take the event \(envelope.topic): \(status)")
        }
    }

    /// - Returns: nil where containerd has no socket for events.
    private func connected() throws(SystemCallError) -> RPCClient? {
        guard !plan.eventSocket.isEmpty else { return nil }
        if let client, client.ended.current == nil { return client }
        let socket = try UnixSocket.connect(.stream, path: plan.eventSocket, wait: false)
        client = RPCClient(try AsyncFD(socket))
        return client
    }

    /// Source: containerd, runtime/v2/README.md, "publish-binary".
    private func publishByProgram(_ envelope: EventEnvelope) async throws {
        guard !plan.publisher.isEmpty, let event = envelope.event else { return }
        var spawn = SpawnPlan(
            plan.publisher,
            [
                plan.publisher, "-address", plan.address, "publish", "-topic", envelope.topic, "-namespace",
                envelope.namespace,
            ])
        spawn.newSession = true
        let (exit, said) = try await HelperProgram(spawn).run(Protobuf.encode(event), within: Self.programLimit)
        guard exit == .exited(code: 0) else {
            throw TTRPCStatus(.unavailable, "\(plan.publisher): \(exit): \(said)")
        }
    }
}
