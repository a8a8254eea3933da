import ContainerdAPI
import EventLoop
import Linux
import Protobuf
import RPC
import TTRPC
import TaskAPI

/// Tells containerd what happens to tasks: each event once, in order. While containerd is away they wait, and when there
/// are too many the oldest go.
@EventLoop final class EventPublisher {
    /// As many as containerd's own shim keeps.
    private static let maximumQueue = 2048
    /// How long containerd may take for one: it may be stopped, or the host busy.
    private static let limit: Duration = .seconds(60), programLimit: Duration = .seconds(10)
    private static let pauses: ClosedRange<Duration> = .milliseconds(100)...(.seconds(5))

    private let plan: ShimPlan
    private let warn: (String) -> Void
    private var queue: [EventEnvelope] = []
    private var lost = 0
    private var client: RPCClient?
    private var isSending = false
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

    /// Suspends until containerd has it. With a connection that goes on it is not sent again: whoever is late has it once all
    /// the same.
    private func forward(_ envelope: EventEnvelope) async throws {
        do {
            guard let client = try connected() else { return try await publishByProgram(envelope) }
            let _: TaskEmpty = try await client.call(
                EventService.name, EventService.forward, ForwardRequest(envelope), within: Self.limit)
        } catch let error as SystemCallError {
            // Nobody is where events are taken.
            guard !plan.publisher.isEmpty else { throw error }
            try await publishByProgram(envelope)
        } catch let status as TTRPCStatus where status.code == .deadlineExceeded {
            client?.close()
            client = nil
            warn("containerd has not said for \(Self.limit) that it has the event \(envelope.topic)")
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
