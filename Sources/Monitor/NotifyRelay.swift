import AgentAPI
import EventLoop
import GuestLink
import Linux

/// What a container tells its service manager, on the way from the link to a socket of the host. Nothing that happens to
/// that socket is a failure of the container.
@EventLoop final class NotifyRelay {
    /// As the agent knows the stream.
    var streamID: UInt32 { stream.id }
    private let stream: LinkStream
    /// Connected to the service manager's; nil when that is no more.
    private var socket: AsyncFD?
    private let process: UInt32
    /// Bytes of the stream that have been dealt with.
    private(set) var passedBytes: UInt64 = 0
    private var hasEnded = false
    private let changed = Condition()
    /// The last message found no room: the next does not wait for any.
    private var isFull = false

    /// How long a service manager that is busy is waited for.
    private static let patience: Duration = .seconds(5)

    /// - Parameter process: of the host, the service's main one.
    init(_ socket: AsyncFD, process: UInt32, on link: GuestLink) throws {
        (self.socket, self.process) = (socket, process)
        stream = try link.open()
    }

    /// Begins to pass on what comes, when the guest has the container.
    func start() {
        Task { @EventLoop in
            await run()
            close()
        }
    }

    private func run() async {
        var frames = NotifyFrames(), pace = NotifyPace()
        // The link's end is this one's.
        while let bytes = try? await stream.read(), !bytes.isEmpty {
            frames.append(bytes)
            do {
                while let datagram = try frames.takeNext() {
                    await tell(datagram)
                    passedBytes += UInt64(NotifyFrames.headerBytes + datagram.count)
                    changed.notify()
                    // The agent does so, too: but that is the guest's word.
                    let pause = pace.take(at: MonotonicTime.now)
                    if pause > .zero { try? await EventLoop.sleep(for: pause) }  // Never cancelled.
                }
            } catch {
                return warn(
                    "what a container sends to NOTIFY_SOCKET is passed on no more: the agent breaks the protocol")
            }
        }
    }

    private func tell(_ datagram: [UInt8]) async {
        guard let message = NotifyMessage(datagram), let socket else { return }
        let bytes = Array(message.text(process: process, microseconds: MonotonicTime.now / 1000).utf8)
        do {
            try await within(isFull ? .zero : Self.patience, waitingFor: "room at NOTIFY_SOCKET") {
                try await socket.retry(when: .writable) { fd throws(SystemCallError) in _ = try fd.sendNow(bytes[...]) }
            }
            isFull = false
        } catch is TimedOut {
            if !isFull { warn("the service manager at NOTIFY_SOCKET does not read: it misses what a container says") }
            isFull = true
        } catch {
            guard !hasEnded else { return }
            warn("the service manager at NOTIFY_SOCKET is no more: \(error)")
            socket.close()
            self.socket = nil
        }
    }

    /// Suspends until that many bytes of the stream have been dealt with, and for `limit` at most.
    func passOn(_ count: UInt64, within limit: Duration) async {
        // Late is what the limit is for.
        try? await within(limit, waitingFor: "the service manager") {
            while self.passedBytes < count, !self.hasEnded { try await self.changed.wait() }
        }
    }

    /// Ends it.
    func close() {
        guard !hasEnded else { return }
        hasEnded = true
        stream.reset()
        socket?.close()
        socket = nil
        changed.notify()
    }
}
