import SeededRandom
import Testing

@testable import AgentAPI

@Suite struct NotifyFramesTests {
    private static func all(_ frames: inout NotifyFrames) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        while let datagram = try frames.takeNext() { found.append(datagram) }
        return found
    }

    @Test func lengthComesFirst() {
        #expect(NotifyFrames.frame([7, 8]) == [0, 2, 7, 8])
        #expect(NotifyFrames.frame([UInt8](repeating: 1, count: 4096))?.prefix(3) == [16, 0, 1])
        #expect(NotifyFrames.frame([]) == nil)
        #expect(NotifyFrames.frame([UInt8](repeating: 1, count: 4097)) == nil)
    }

    @Test func whatIsTooLongIsTheEnd() throws {
        var frames = NotifyFrames()
        frames.append([0, 1, 9, 16, 1])
        #expect(try frames.takeNext() == [9])
        #expect(throws: NotifyFrames.Broken()) { try frames.takeNext() }
        frames.append([UInt8](repeating: 0, count: 5000))
        #expect(throws: NotifyFrames.Broken()) { try frames.takeNext() }
    }

    /// However the stream is cut into pieces.
    @Test(arguments: 1...20) func whatIsSentArrives(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let sent = (0..<50).map { _ in
            (0..<Int.random(in: 1...(Bool.random(using: &random) ? 20 : 4096), using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        }
        var stream = sent.compactMap(NotifyFrames.frame).flatMap { $0 }[...]
        var frames = NotifyFrames(), got: [[UInt8]] = []
        while !stream.isEmpty {
            let piece = stream.prefix(Int.random(in: 1...6000, using: &random))
            stream = stream.dropFirst(piece.count)
            frames.append(Array(piece))
            got += try Self.all(&frames)
        }
        #expect(got == sent)
        #expect(try frames.takeNext() == nil)
    }

    /// Any bytes are datagrams within the limit, or the end.
    @Test(arguments: 1...200) func anythingMayCome(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var frames = NotifyFrames()
        for _ in 0..<20 {
            let high = Bool.random(using: &random) ? UInt8(255) : 16
            frames.append(
                (0..<Int.random(in: 0...300, using: &random)).map { _ in .random(in: 0...high, using: &random) })
            do {
                for datagram in try Self.all(&frames) { #expect(datagram.count <= NotifySocket.maximumBytes) }
            } catch {
                #expect(throws: NotifyFrames.Broken()) { try frames.takeNext() }
                return
            }
        }
    }
}

@Suite struct NotifyPaceTests {
    @Test func someComeAtOnceAndThenOneEachInterval() {
        var pace = NotifyPace(), now: UInt64 = 5
        for _ in 0..<NotifyPace.burst { #expect(pace.take(at: now) == .zero) }
        for _ in 0..<1000 {
            let pause = pace.take(at: now)
            #expect(pause == .nanoseconds(Int64(NotifyPace.intervalNanoseconds)))
            now += NotifyPace.intervalNanoseconds
        }
        // A while later it is as at the beginning.
        now += 1_000_000_000_000
        for _ in 0..<NotifyPace.burst { #expect(pace.take(at: now) == .zero) }
        #expect(pace.take(at: now) != .zero)
    }

    @Test func whoComesSlowlyNeverWaits() {
        var pace = NotifyPace()
        for step in UInt64(0)..<1000 { #expect(pace.take(at: step * NotifyPace.intervalNanoseconds) == .zero) }
    }
}
