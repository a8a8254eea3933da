import SeededRandom
import Protobuf
import Testing

/// Bytes that nobody well-meaning sends. A failure here is a trap or a hang.
@Suite struct HostileInputTests {
    static let sample: [UInt8] = {
        func field(_ number: UInt8, _ hex: String) -> [UInt8] {
            let content = [UInt8](hex: hex)
            return [number << 3 | 2, UInt8(content.count & 0x7f) | 0x80, UInt8(content.count >> 7)] + content
        }
        return field(1, GoldenBytes.scalars) + field(2, GoldenBytes.optionalsSet) + field(3, GoldenBytes.repeated)
            + field(4, "0a01611280 00") + field(5, GoldenBytes.tree) + field(6, GoldenBytes.createTask)
            + field(7, GoldenBytes.state)
    }()

    @Test func theSampleIsReadable() throws {
        let message = try Protobuf.decode(Everything.self, from: Self.sample)
        #expect(message.repeated == GoldenTests.repeated)
        #expect(message.maps.keys.sorted() == ["a"])
    }

    @Test func everyTruncationIsHandled() throws {
        for length in 0..<Self.sample.count {
            check(Array(Self.sample.prefix(length)))
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func mutationsAreHandled(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<600 {
            var bytes = Self.sample
            for _ in 0...random.next(below: 6) {
                let index = random.next(below: bytes.count)
                switch random.next(below: 4) {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[index] ^= 1 << UInt8(random.next(below: 8))
                case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
                default: bytes.remove(at: index)
                }
            }
            check(bytes)
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func noiseIsHandled(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed &+ 1000)
        for _ in 0..<2000 {
            let count = random.next(below: 64)
            // Small bytes make well-formed tags and lengths likely.
            check((0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) & 0x3f })
        }
    }

    /// Either an error, or a message that is written in one way only from then on.
    private func check(_ bytes: [UInt8]) {
        do throws(ProtobufError) {
            let message = try Protobuf.decode(Everything.self, from: bytes)
            let written = try Protobuf.encode(message)
            let again = try Protobuf.encode(try Protobuf.decode(Everything.self, from: written))
            #expect(again == written, "\(bytes)")
        } catch {
            if case .unsupported = error { Issue.record("\(error) is not the input's fault: \(bytes)") }
        }
    }

    @Test(arguments: [(100, true), (101, false)]) func nestingIsLimited(_ depth: Int, _ isAllowed: Bool) throws {
        var bytes = try Protobuf.encode(Tree(name: "end"))
        for _ in 1..<depth {
            var length = UInt64(bytes.count)
            var prefix: [UInt8] = [0x12]
            while length > 127 {
                prefix.append(UInt8(length & 127) | 128)
                length >>= 7
            }
            bytes = prefix + [UInt8(length)] + bytes
        }
        if isAllowed {
            #expect(try Protobuf.decode(Tree.self, from: bytes) == Tree.chain(depth: depth))
            #expect(try Protobuf.encode(Tree.chain(depth: depth)) == bytes)
        } else {
            expectLimit { () throws(ProtobufError) in _ = try Protobuf.decode(Tree.self, from: bytes) }
            expectLimit { () throws(ProtobufError) in _ = try Protobuf.encode(Tree.chain(depth: depth)) }
        }
    }

    @Test func groupsAreLimited() {
        let deep = [UInt8](repeating: 0x0b, count: 101) + [UInt8](repeating: 0x0c, count: 101)
        expectLimit { () throws(ProtobufError) in _ = try Protobuf.decode(Leaf.self, from: deep) }
        #expect(throws: Never.self) { try Protobuf.decode(Leaf.self, from: deep.dropFirst().dropLast()) }
    }

    @Test func inputIsLimited() {
        let bytes = [UInt8](hex: "0a0161")
        #expect(throws: Never.self) { try Protobuf.decode(Leaf.self, from: bytes, maximumBytes: 3) }
        expectLimit { () throws(ProtobufError) in _ = try Protobuf.decode(Leaf.self, from: bytes, maximumBytes: 2) }
        expectLimit { () throws(ProtobufError) in
            _ = try Protobuf.decode(Leaf.self, from: bytes[...], maximumBytes: 2)
        }
        let long = [UInt8](repeating: 0, count: Protobuf.defaultMaximumBytes + 1)
        expectLimit { () throws(ProtobufError) in _ = try Protobuf.decode(Leaf.self, from: long) }
    }

    @Test func fieldsAreLimited() throws {
        let field: [UInt8] = [8, 1]
        let most = (0..<Protobuf.maximumFields).flatMap { _ in field }
        #expect(try Protobuf.decode(Repeated.self, from: most).numbers.count == Protobuf.maximumFields)
        expectLimit { () throws(ProtobufError) in _ = try Protobuf.decode(Repeated.self, from: most + field) }
    }

    private func expectLimit(_ body: () throws(ProtobufError) -> Void) {
        do throws(ProtobufError) {
            try body()
            Issue.record("accepted")
        } catch {
            guard case .limitExceeded = error else {
                Issue.record("\(error)")
                return
            }
        }
    }
}

extension SeededGenerator {
    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
