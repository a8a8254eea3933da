import SeededRandom
import Testing

@testable import Yamux

/// Two sessions back to back over a link that cuts bytes anywhere, driven at random and compared with a model.
@Suite struct ModelTests {
    /// No two stretches that a test may confuse are alike.
    static let pattern: [UInt8] = {
        var random = SeededGenerator(seed: 0)
        return (0..<201_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }()

    /// Adds up what one direction of the link carries, read without the code under test.
    struct Monitor {
        var unread: [UInt8] = []
        var dataBytes: [UInt32: Int] = [:]
        var credit: [UInt32: Int] = [:]

        mutating func watch(_ bytes: [UInt8]) {
            unread += bytes
            while unread.count >= 12 {
                func word(_ at: Int) -> UInt32 { unread[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }
                let (type, stream, length) = (unread[1], word(4), Int(word(8)))
                guard type != 0 || unread.count >= 12 + length else { return }
                if type == 0 { dataBytes[stream, default: 0] += length }
                if type == 1 { credit[stream, default: 0] += length }
                unread.removeFirst(12 + (type == 0 ? length : 0))
            }
        }
    }

    struct Side {
        var session: YamuxSession
        /// Bytes on their way to the other side.
        var wire: [UInt8] = []
        var monitor = Monitor()
        var live: Set<StreamID> = []
        var finished: Set<StreamID> = []
        var remoteFinished: Set<StreamID> = []
        var reset: Set<StreamID> = []
        var sent: [StreamID: [UInt8]] = [:]
        var got: [StreamID: [UInt8]] = [:]
        var untaken: [StreamID: Int] = [:]
        var pings: Set<UInt32> = []

        mutating func flush(_ chunks: Int = .max) {
            for _ in 0..<chunks {
                guard let bytes = session.nextOutput() else { return }
                monitor.watch(bytes)
                #expect(monitor.unread.isEmpty, "output is whole frames")
                wire += bytes
            }
        }

        mutating func note(_ events: [YamuxEvent]) {
            for event in events {
                switch event {
                case .opened(let id): live.insert(id)
                case .data(let id, let bytes):
                    #expect(!remoteFinished.contains(id))
                    got[id, default: []] += bytes
                    untaken[id, default: 0] += bytes.count
                case .finished(let id): remoteFinished.insert(id)
                case .reset(let id):
                    reset.insert(id)
                    live.remove(id)
                case .pong(let value): #expect(pings.remove(value) != nil)
                case .acknowledged, .windowGrew: break
                case .goAway, .failed: Issue.record("\(event)")
                }
            }
        }

        mutating func act(_ random: inout SeededGenerator) throws {
            let id = live.sorted { $0.rawValue < $1.rawValue }.randomElement(using: &random)
            switch (Int.random(in: 0..<100, using: &random), id) {
            case (0..<5, _):
                if let id = try? session.open() { live.insert(id) }
            case (5..<45, let id?) where !finished.contains(id):
                let count = Int.random(in: 0...(Bool.random(using: &random) ? 100 : 200_000), using: &random)
                let bytes = ModelTests.pattern.dropFirst(Int.random(in: 0..<1000, using: &random)).prefix(count)
                let capacity = session.sendCapacity(id)
                let taken = try session.send(id, bytes)
                #expect(taken == min(count, capacity))
                sent[id, default: []] += bytes.prefix(taken)
            case (45..<75, let id?):
                let count = Int.random(in: 0...(untaken[id] ?? 0), using: &random)
                session.consumed(id, count)
                untaken[id, default: 0] -= count
            case (75..<77, let id?): try finish(id)
            case (77, let id?):
                session.reset(id)
                reset.insert(id)
                live.remove(id)
            case (78, _):
                if let value = try? session.ping() { pings.insert(value) }
            case (79, let id?): try session.accept(id)
            default: flush(Int.random(in: 0...4, using: &random))
            }
        }

        mutating func finish(_ id: StreamID) throws {
            guard finished.insert(id).inserted else { return }
            try session.finish(id)
        }

        mutating func receive(_ count: Int, from other: inout Side) {
            note(session.receive(other.wire.prefix(count)))
            other.wire.removeFirst(min(count, other.wire.count))
        }

        /// A stream leaves `live` when nothing more may be called on it.
        mutating func prune() {
            live = live.filter { session.streams[$0] != nil }
        }
    }

    static func checkWindows(_ from: Side, _ to: Side) {
        for (id, count) in from.monitor.dataBytes {
            let granted = Int(YamuxLimits.initialWindowBytes) + (to.monitor.credit[id] ?? 0)
            #expect(count <= granted, "stream \(id)")
        }
    }

    @Test(arguments: 1...12) func bytesArriveIntactAndInOrder(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let limits = YamuxLimits(
            receiveWindowBytes: seed % 2 == 0 ? 0 : 400_000, maxFramePayloadBytes: seed % 3 == 0 ? 1000 : 32768,
            maxStreams: 20, maxUnacceptedInbound: 4, maxUnacknowledgedOutbound: seed % 4 == 0 ? 8 : 4)
        var host = Side(session: YamuxSession(role: .client, limits: limits))
        var guest = Side(session: YamuxSession(role: .server, limits: limits))
        for _ in 0..<1500 {
            try host.act(&random)
            try guest.act(&random)
            host.receive(Int.random(in: 0...50_000, using: &random), from: &guest)
            guest.receive(Int.random(in: 0...50_000, using: &random), from: &host)
            host.prune()
            guest.prune()
            Self.checkWindows(host, guest)
            Self.checkWindows(guest, host)
        }
        try settle(&host, &guest)
        #expect(host.session.streamCount == 0)
        #expect(guest.session.streamCount == 0)
        #expect(host.pings.isEmpty && guest.pings.isEmpty)
        let reset = host.reset.union(guest.reset)
        var complete = 0
        for (from, to) in [(host, guest), (guest, host)] {
            for (id, bytes) in from.sent {
                let got = to.got[id] ?? []
                // Compared outside the macro, which would describe megabytes.
                let isIntact = got == bytes || reset.contains(id) && got[...] == bytes.prefix(got.count)
                #expect(isIntact, "stream \(id)")
                if !reset.contains(id) { complete += 1 }
            }
        }
        #expect(complete > 10, "the run exercises little")
    }

    /// Finishes every stream on both sides and lets the link run dry.
    private func settle(_ host: inout Side, _ guest: inout Side) throws {
        for _ in 0..<10 {
            for id in host.live { try host.finish(id) }
            for id in guest.live { try guest.finish(id) }
            host.flush()
            guest.flush()
            host.receive(.max, from: &guest)
            guest.receive(.max, from: &host)
            host.prune()
            guest.prune()
        }
    }
}
