import SeededRandom
import Testing

@testable import AgentAPI

@Suite struct LinkPreambleTests {
    private static let sample: LinkPreamble = {
        var generator = SeededGenerator(seed: 5)
        return LinkPreamble(
            seed: (0..<LinkPreamble.seedBytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }()

    @Test func whatIsSentIsRead() {
        let bytes = Self.sample.encoded
        #expect(bytes.count == LinkPreamble.length)
        #expect(bytes == Array("bulkhead".utf8) + [1] + Self.sample.seed)
        #expect(LinkPreamble(bytes) == Self.sample)
    }

    /// None of the seed's bytes is left out.
    @Test func everySeedIsAnother() {
        for index in 0..<LinkPreamble.seedBytes {
            var bytes = Self.sample.encoded
            bytes[bytes.count - 1 - index] ^= 0x80
            let changed = LinkPreamble(bytes)
            #expect(changed != nil && changed != Self.sample)
            #expect(changed?.encoded == bytes)
        }
    }

    @Test func nothingElseIsOne() {
        let bytes = Self.sample.encoded
        for count in 0..<bytes.count { #expect(LinkPreamble(Array(bytes.prefix(count))) == nil) }
        #expect(LinkPreamble(bytes + [0]) == nil)
        #expect(LinkPreamble(bytes + bytes) == nil)
        #expect(LinkPreamble([0] + bytes.dropLast()) == nil)
        // Its mark and its version, every bit.
        for bit in 0..<8 * (bytes.count - LinkPreamble.seedBytes) {
            var copy = bytes
            copy[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(LinkPreamble(copy) == nil, "bit \(bit)")
        }
        for byte in [0, 0x20, 0xFF] as [UInt8] {
            #expect(LinkPreamble([UInt8](repeating: byte, count: LinkPreamble.length)) == nil)
        }
    }
}
