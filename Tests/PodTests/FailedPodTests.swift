import Pod
import SeededRandom
import Testing

@Suite struct FailedPodTests {
    private static let whole: FailedPod = {
        var pod = FailedPod(
            id: "0123abcd", at: 1_700_000_000_000_000_000, reason: "the guest's kernel crashed: \"oops\"\n\u{1B}[31m",
            timings: [
                .init(step: "machine started", milliseconds: 12), .init(step: "QEMU answered", milliseconds: .max),
            ])
        pod.members = [.init(id: "0123abcd", name: "shop"), .init(id: "4567", name: "")]
        (pod.arguments, pod.console, pod.errors) = (["-m", "256M"], ["one", "", "\u{0}three"], ["é"])
        return pod
    }()

    @Test func itIsReadAsItWasWritten() {
        var pod = Self.whole
        pod.console[2] = "three"
        #expect(FailedPod(serialized: pod.serialized) == pod)
        #expect(FailedPod(serialized: FailedPod(id: "a", at: -1, reason: "").serialized)?.at == -1)
    }

    @Test func noTruncationAndNoOtherVersionIsOne() {
        let bytes = Self.whole.serialized
        // The last byte is a line feed.
        for length in 0..<bytes.count - 1 { #expect(FailedPod(serialized: Array(bytes[..<length])) == nil) }
        let other = String(decoding: bytes, as: UTF8.self).replacing(#""version":1"#, with: #""version":2"#)
        #expect(FailedPod(serialized: Array(other.utf8)) == nil)
        #expect(FailedPod(serialized: [UInt8](repeating: 32, count: FailedPod.maximumBytes + 1)) == nil)
    }

    /// Whatever a guest says, the file has a bound, and what came last is in it.
    @Test(arguments: [1, 300, 30_000]) func itHasABound(_ lineLength: Int) throws {
        var pod = Self.whole
        let line = String(repeating: "\u{7F}\"\\é", count: lineLength)
        (pod.console, pod.errors) = (Array(repeating: line, count: 600) + ["last"], Array(repeating: line, count: 600))
        pod.arguments = [line]
        pod.reason = line
        pod.members = Array(repeating: .init(id: line, name: line), count: 200) + [.init(id: "z", name: "last")]
        pod.timings = Array(repeating: .init(step: "s", milliseconds: .max), count: 1000)
        #expect(pod.serialized.count <= FailedPod.maximumBytes)
        let read = try #require(FailedPod(serialized: pod.serialized))
        #expect(read.console.last == "last")
        #expect(read.members.last?.name == "last")
    }

    @Test(arguments: [
        ("0123", true), ("0123abcd", true), ("shop", true), ("45", true), ("", false), ("sho", false), ("23", false),
    ]) func itIsMeantByIdsAndNames(_ reference: String, _ isMeant: Bool) {
        #expect(Self.whole.isMeant(by: reference) == isMeant)
    }

    @Test func nothingTraps() {
        var random = SeededGenerator(seed: 7)
        let bytes = Self.whole.serialized
        for _ in 0..<2000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                changed[Int.random(in: 0..<changed.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            guard let pod = FailedPod(serialized: changed) else { continue }
            #expect(pod.serialized.count <= FailedPod.maximumBytes)
        }
    }
}
