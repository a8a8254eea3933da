import AgentAPI
import EventLoop
import GuestLink
import Linux

/// The socket that a container's processes tell their service manager by. What they send goes on to a stream of the link,
/// as fast as `NotifyPace` has it: the kernel keeps ten more, and then the senders wait.
@EventLoop final class NotifyListener {
    private let directory: String
    private let socket: AsyncFD
    private let stream: LinkStream
    /// Bytes given to the stream.
    private(set) var sentBytes: UInt64 = 0
    /// All that had come has gone on.
    private var isIdle = false
    private var isClosed = false
    private let changed = Condition()

    /// Makes the directory, with the socket in it, which the container is to have before its first process.
    /// - Parameter directory: what is there of another container is removed.
    init(at directory: String, to stream: LinkStream) throws(SystemCallError) {
        (self.directory, self.stream) = (directory, stream)
        if let parent = Files.parent(of: directory) { try Files.makeDirectories(parent, mode: 0o700) }
        try Files.removeTree(directory)
        try Files.makeDirectory(directory)
        do {
            // Whatever the umask is.
            try Files.changeMode(directory, 0o755)
            socket = try AsyncFD(
                UnixSocket.receiver(directory: Files.open(directory, .directory), name: NotifySocket.name))
        } catch {
            try? Files.removeTree(directory)  // The first failure is the one to tell.
            throw error
        }
        Task { @EventLoop in await self.run() }
    }

    private func run() async {
        var pace = NotifyPace()
        do {
            while true {
                // Without room for descriptors: those that come along are closed.
                guard let datagram = try socket.readNow(upTo: NotifySocket.maximumBytes + 1) else {
                    isIdle = true
                    changed.notify()
                    try await socket.waitUntilReadable()
                    isIdle = false
                    continue
                }
                if let frame = NotifyFrames.frame(datagram) {
                    sentBytes += UInt64(frame.count)
                    try await stream.write(frame)
                }
                let pause = pace.take(at: MonotonicTime.now)
                if pause > .zero { try await EventLoop.sleep(for: pause) }
            }
        } catch {
            // It was closed, or the monitor wants no more.
            close()
        }
    }

    /// Passes on what has been sent up to now, within that time, and returns the number of bytes since the start.
    func drain(within limit: Duration) async -> UInt64 {
        try? await within(limit, waitingFor: "the end of what was sent") {
            while !self.isClosed, !self.isIdle || self.hasMore { try await self.changed.wait() }
        }
        return sentBytes
    }

    private var hasMore: Bool {
        (try? socket.withFD { fd throws(SystemCallError) in try fd.isReadable() }) ?? false
    }

    /// Ends it, and takes away what was made. More than once is fine.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        socket.close()
        stream.finish()
        changed.notify()
        // It is the guest's memory, which goes with the machine at the latest.
        try? Files.removeTree(directory)
    }
}
