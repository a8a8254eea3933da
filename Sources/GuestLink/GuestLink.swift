import EventLoop
import Linux
import Yamux

/// The one connection between a guest and its monitor: yamux over a virtio-serial port. Each end has one of these.
///
/// It owns the descriptor. When the peer breaks the protocol, or the descriptor ends, every stream fails and `ended`
/// says why; nothing reconnects.
@EventLoop public final class GuestLink {
    /// Why a link is no more.
    public enum End: Error, Equatable, CustomStringConvertible {
        case closed
        case failed(String)

        public var description: String {
            switch self {
            case .closed: "the guest link is closed"
            case .failed(let why): "the guest link failed: \(why)"
            }
        }
    }

    private let port: AsyncFD
    private var session: YamuxSession
    private var streams: [StreamID: LinkStream] = [:]
    private let outputReady = Condition()
    private var isSending = false
    private let allSent = Condition()
    /// Streams that the peer opened, in order.
    private var inbound: [LinkStream] = []
    private let inboundReady = Condition()
    /// Fulfilled once, when the link is no more.
    public nonisolated let ended = Promise<End>()

    private let readBytes: Int
    /// What the peer may send on a stream made for bulk before this end has read it: it goes on while this end waits for
    /// its turn.
    public static let bulkWindowBytes: UInt32 = 512 * 1024

    /// - Parameters:
    ///   - role: the host is the client, the guest the server. The host's end refuses every stream that the guest opens.
    ///   - preamble: what the peer reads before the link begins.
    public init(_ port: AsyncFD, role: YamuxRole, after preamble: [UInt8] = []) {
        self.port = port
        var limits = YamuxLimits()
        switch role {
        case .client:
            // Nobody accepts there: streams of a hostile guest would keep a window of unread bytes each.
            limits.maxUnacceptedInbound = 0
            readBytes = 128 * 1024
        case .server:
            // A virtual processor gets its turn seldom, and much is to be there then.
            limits.receiveWindowBytes = Self.bulkWindowBytes
            readBytes = 256 * 1024
        }
        session = YamuxSession(role: role, limits: limits)
        Task { @EventLoop in await self.receive() }
        Task { @EventLoop in await self.transmit(preamble) }
    }

    /// Opens a stream, which may be written at once.
    /// - Parameter forBulk: much is to be read from it, so that it gets the larger window.
    public func open(forBulk: Bool = false) throws -> LinkStream {
        if let end = ended.current { throw end }
        let id = try session.open(receiveWindowBytes: forBulk ? Self.bulkWindowBytes : nil)
        outputReady.notify()
        return stream(id)
    }

    /// The next stream that the peer opens.
    public func accept() async throws -> LinkStream {
        while inbound.isEmpty {
            if let end = ended.current { throw end }
            try await inboundReady.wait()
        }
        return inbound.removeFirst()
    }

    /// Streams that exist, in both directions.
    var streamCount: Int { max(streams.count, session.streamCount) }

    /// Ends the link and all its streams.
    public func close() { end(.closed) }

    /// As `close`, when everything that has been written to streams has gone to the port.
    public func closeWhenSent() async throws(CancellationError) {
        while ended.current == nil, isSending || session.outputCount > 0 { try await allSent.wait() }
        close()
    }

    private func stream(_ id: StreamID) -> LinkStream {
        let stream = LinkStream(id, on: self)
        streams[id] = stream
        return stream
    }

    private func end(_ reason: End) {
        guard ended.fulfil(reason) else { return }
        port.close()
        for stream in streams.values { stream.failed() }
        streams = [:]
        inboundReady.notify()
        outputReady.notify()
        allSent.notify()
    }

    private func receive() async {
        do {
            while true {
                let bytes = try await port.readAvailable(upTo: readBytes)
                if bytes.isEmpty { return end(.closed) }
                for event in session.receive(bytes[...]) { handle(event) }
                outputReady.notify()
            }
        } catch {
            end(.failed("\(error)"))
        }
    }

    private func handle(_ event: YamuxEvent) {
        switch event {
        case .opened(let id):
            // Accepting what is refused in this instant only, a failed session, is moot: `.failed` follows.
            try? session.accept(id)
            inbound.append(stream(id))
            inboundReady.notify()
        case .acknowledged, .pong: break
        case .data(let id, let bytes): streams[id]?.received(bytes)
        case .windowGrew(let id): streams[id]?.mayWrite.notify()
        case .finished(let id): streams[id]?.finished()
        case .reset(let id): streams.removeValue(forKey: id)?.failed()
        case .goAway: break
        case .failed(let error): end(.failed("the peer broke the protocol: \(error)"))
        }
    }

    private func transmit(_ preamble: [UInt8]) async {
        do {
            try await port.write(preamble)
            while ended.current == nil {
                guard let chunk = session.nextOutput() else {
                    allSent.notify()
                    try await outputReady.wait()
                    continue
                }
                isSending = true
                try await port.write(chunk)
                isSending = false
                // Room for those who found the queue full.
                for stream in streams.values { stream.mayWrite.notify() }
            }
        } catch {
            end(.failed("\(error)"))
        }
    }

    fileprivate func send(_ id: StreamID, _ bytes: ArraySlice<UInt8>) throws -> Int {
        let count = try session.send(id, bytes)
        if count > 0 { outputReady.notify() }
        return count
    }

    fileprivate func consumed(_ id: StreamID, _ count: Int) {
        session.consumed(id, count)
        outputReady.notify()
    }

    fileprivate func finish(_ id: StreamID) throws {
        try session.finish(id)
        outputReady.notify()
    }

    fileprivate func reset(_ id: StreamID) {
        session.reset(id)
        streams[id] = nil
        outputReady.notify()
    }

    fileprivate func forget(_ id: StreamID) { streams[id] = nil }
}

/// One stream of a link: bytes both ways, each way ended on its own.
@EventLoop public final class LinkStream: ByteStream {
    /// The number that both ends know it by.
    public nonisolated let id: UInt32
    private let streamID: StreamID
    private unowned let link: GuestLink
    private var chunks: [[UInt8]] = []
    private var nextChunk = 0
    private var peerFinished = false
    private var selfFinished = false
    private var broken = false
    private let arrived = Condition()
    fileprivate let mayWrite = Condition()
    /// Bytes that `read` has given out since the stream began.
    public private(set) var readBytes: UInt64 = 0

    fileprivate init(_ id: StreamID, on link: GuestLink) {
        streamID = id
        self.id = id.rawValue
        self.link = link
    }

    /// The next bytes; empty when the peer has ended its side.
    /// - Throws: `LinkStreamReset` when peer or link broke it off.
    public func read() async throws -> [UInt8] {
        while nextChunk == chunks.count {
            if broken { throw LinkStreamReset() }
            if peerFinished { return [] }
            try await arrived.wait()
        }
        let bytes = chunks[nextChunk]
        nextChunk += 1
        if nextChunk == chunks.count {
            chunks.removeAll(keepingCapacity: true)
            nextChunk = 0
        }
        readBytes += UInt64(bytes.count)
        if !broken { link.consumed(streamID, bytes.count) }
        return bytes
    }

    /// As `read`, with all that has come, which is at most the window: for whoever pays for each piece.
    public func readPending() async throws -> [UInt8] {
        var bytes = try await read()
        while nextChunk < chunks.count { bytes += try await read() }
        return bytes
    }

    /// Queues all of `bytes`, as fast as the peer takes them.
    public func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while true {
            if broken { throw LinkStreamReset() }
            rest = rest.dropFirst(try link.send(streamID, rest))
            if rest.isEmpty { return }
            try await mayWrite.wait()
        }
    }

    /// Ends this side: the peer reads to the end. More than once is fine.
    public func finish() {
        guard !selfFinished, !broken else { return }
        selfFinished = true
        try? link.finish(streamID)  // It fails only with the session, which ends the stream anyhow.
        if peerFinished { link.forget(streamID) }
    }

    /// Breaks the stream off, both ways.
    public func reset() {
        guard !broken else { return }
        broken = true
        link.reset(streamID)
        arrived.notify()
        mayWrite.notify()
    }

    public func close() { reset() }

    fileprivate func received(_ bytes: [UInt8]) {
        // Small pieces are joined, or a peer that sends single bytes costs an allocation each.
        if chunks.count > nextChunk, chunks[chunks.count - 1].count + bytes.count <= 4096 {
            chunks[chunks.count - 1] += bytes
        } else {
            chunks.append(bytes)
        }
        arrived.notify()
    }

    fileprivate func finished() {
        peerFinished = true
        if selfFinished { link.forget(streamID) }
        arrived.notify()
    }

    fileprivate func failed() {
        broken = true
        arrived.notify()
        mayWrite.notify()
    }
}

/// The peer, or the link's end, broke a stream off.
public struct LinkStreamReset: Error, Equatable, CustomStringConvertible {
    public init() {}
    public var description: String { "the guest is no more, or has ended the connection" }
}
