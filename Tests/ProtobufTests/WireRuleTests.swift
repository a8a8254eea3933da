import Testing

@testable import Protobuf

/// Rules of the format that serialisers do not show: what a reader has to accept and to refuse.
@Suite struct WireRuleTests {
    struct Accepted: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var hex: String
        var expected: Scalars
    }

    @Test(arguments: [
        Accepted(testDescription: "last one wins", hex: "0801 0800 6201 61 6201 62", expected: Scalars(aString: "b")),
        Accepted(testDescription: "any order", hex: "2005 1003", expected: Scalars(anInt32: 3, aUInt32: 5)),
        Accepted(testDescription: "any varint is true", hex: "08 808001", expected: Scalars(aBool: true)),
        Accepted(testDescription: "five-byte int32 -1", hex: "10 ffffffff0f", expected: Scalars(anInt32: -1)),
        Accepted(testDescription: "int32 drops the upper half", hex: "10 8180808010", expected: Scalars(anInt32: 1)),
        Accepted(testDescription: "uint32 drops the upper half", hex: "20 8180808010", expected: Scalars(aUInt32: 1)),
        Accepted(testDescription: "padded varint", hex: "20 85808000", expected: Scalars(aUInt32: 5)),
        Accepted(testDescription: "unknown varint", hex: "a00601 2005", expected: Scalars(aUInt32: 5)),
        Accepted(testDescription: "unknown fixed64", hex: "a106 0102030405060708 2005", expected: Scalars(aUInt32: 5)),
        Accepted(testDescription: "unknown bytes", hex: "a206 02 ffff 2005", expected: Scalars(aUInt32: 5)),
        Accepted(testDescription: "unknown fixed32", hex: "a506 01020304 2005", expected: Scalars(aUInt32: 5)),
        Accepted(
            testDescription: "unknown groups", hex: "a306 ab06 0801 ac06 a406 2005", expected: Scalars(aUInt32: 5)),
        Accepted(testDescription: "known number as group", hex: "23 0801 24 2005", expected: Scalars(aUInt32: 5)),
    ]) func isAccepted(_ row: Accepted) throws {
        #expect(try Protobuf.decode(Scalars.self, from: [UInt8](hex: row.hex)) == row.expected)
    }

    enum Refusal: Sendable { case malformed, invalidValue, limitExceeded, unsupported }

    struct Refused: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var hex: String
        var refusal: Refusal
        var path = ""
        var offset: Int? = 0
    }

    @Test(arguments: [
        Refused(testDescription: "tag alone", hex: "08", refusal: .malformed, offset: 1),
        Refused(testDescription: "half a varint", hex: "0880", refusal: .malformed, offset: 1),
        Refused(testDescription: "half a tag", hex: "2005 80", refusal: .malformed, offset: 2),
        Refused(testDescription: "varint of 65 bits", hex: "18 ffffffffffffffffff02", refusal: .malformed, offset: 1),
        Refused(
            testDescription: "varint of 11 bytes", hex: "18 8080808080808080808001", refusal: .malformed, offset: 1),
        Refused(testDescription: "field 0", hex: "0001", refusal: .malformed),
        Refused(testDescription: "tag of 33 bits", hex: "8080808010 01", refusal: .malformed),
        Refused(testDescription: "wire type 6", hex: "0e", refusal: .malformed),
        Refused(testDescription: "wire type 7", hex: "0f", refusal: .malformed),
        Refused(testDescription: "short fixed32", hex: "45 010203", refusal: .malformed, offset: 1),
        Refused(testDescription: "short fixed64", hex: "49 01020304050607", refusal: .malformed, offset: 1),
        Refused(testDescription: "length over the end", hex: "62 03 6161", refusal: .malformed, offset: 1),
        Refused(testDescription: "huge length", hex: "62 ffffffffffffffffff01", refusal: .malformed, offset: 1),
        Refused(testDescription: "end of no group", hex: "0c", refusal: .malformed),
        Refused(testDescription: "open group", hex: "0b 0801", refusal: .malformed, offset: 3),
        Refused(testDescription: "wrong end of group", hex: "0b 14", refusal: .malformed, offset: 1),
        Refused(testDescription: "wrong wire type", hex: "0d 01020304", refusal: .invalidValue, path: "aBool"),
        Refused(
            testDescription: "string as varint", hex: "2005 6001", refusal: .invalidValue, path: "aString", offset: 2),
        Refused(testDescription: "no UTF-8", hex: "62 01 ff", refusal: .invalidValue, path: "aString"),
        Refused(testDescription: "cut UTF-8", hex: "62 01 c3", refusal: .invalidValue, path: "aString"),
        Refused(testDescription: "surrogate", hex: "62 03 eda080", refusal: .invalidValue, path: "aString"),
        Refused(testDescription: "unknown enum case", hex: "70 07", refusal: .invalidValue, path: "aColor"),
    ]) func isRefused(_ row: Refused) {
        expectRefusal(Scalars.self, row)
    }

    @Test(arguments: [
        Refused(
            testDescription: "leaf", hex: "1a04 3a 02 0d 01", refusal: .malformed, path: "repeated.leaves[0]", offset: 5
        ),
        Refused(
            testDescription: "uint16 range", hex: "42 04 01 808004", refusal: .invalidValue, path: "small", offset: 3),
        Refused(testDescription: "int8 range", hex: "48 8001", refusal: .invalidValue, path: "tiny"),
        Refused(
            testDescription: "enum in array", hex: "1a03 42 01 07", refusal: .invalidValue, path: "repeated.colors",
            offset: 2),
        Refused(
            testDescription: "half a packed value", hex: "1a03 0a 01 80", refusal: .malformed, path: "repeated.numbers",
            offset: 4),
        Refused(
            testDescription: "map", hex: "22 0a 0a00 12 06 1a 04 12 02 08 80", refusal: .malformed,
            path: "maps[0].leaves[0]", offset: 11),
    ]) func nestedErrorsSayWhere(_ row: Refused) {
        expectRefusal(Everything.self, row)
    }

    private func expectRefusal<M: Decodable>(_ type: M.Type, _ row: Refused) {
        do throws(ProtobufError) {
            _ = try Protobuf.decode(type, from: [UInt8](hex: row.hex))
            Issue.record("accepted")
        } catch {
            let (refusal, location) = Self.parts(error)
            #expect(refusal == row.refusal, "\(error)")
            #expect(location.path == row.path)
            #expect(location.offset == row.offset)
        }
    }

    private static func parts(_ error: ProtobufError) -> (Refusal, ProtobufLocation) {
        switch error {
        case .malformed(let location, _): (.malformed, location)
        case .invalidValue(let location, _): (.invalidValue, location)
        case .limitExceeded(let location, _): (.limitExceeded, location)
        case .unsupported(let location, _): (.unsupported, location)
        }
    }

    @Test func smallIntegersHaveTheirWholeRange() throws {
        let bytes = [UInt8](hex: "4203 ffff03 48 80ffffffffffffffff01")
        let message = try Protobuf.decode(Everything.self, from: bytes)
        #expect(message.small == [.max])
        #expect(message.tiny == .min)
    }

    @Test func arraysJoinAcrossOccurrences() throws {
        let bytes = [UInt8](hex: "0a02 0102 0803 0a00 0a01 04  4201 01 4000 4200")
        let message = try Protobuf.decode(Repeated.self, from: bytes)
        #expect(message.numbers == [1, 2, 3, 4])
        #expect(message.colors == [.red, .none])
    }

    @Test func arraysJoinAroundOtherFields() throws {
        let bytes = [UInt8](hex: "2a01 61  0a01 01  2a01 62  0a01 02  2a01 63")
        let message = try Protobuf.decode(Repeated.self, from: bytes)
        #expect(message.names == ["a", "b", "c"])
        #expect(message.numbers == [1, 2])
    }

    @Test func partsOfMapEntriesMayBeMissing() throws {
        // Empty; a value only; a key only; the value first; an unknown field; a key for the second time.
        let bytes = [UInt8](hex: "0a00 0a03120162 0a030a0161 0a06120163 0a0164 0a05 0a0165 1801 0a06 0a0161 120178")
        #expect(try Protobuf.decode(Maps.self, from: bytes).labels == ["": "b", "a": "x", "d": "c", "e": ""])
    }

    @Test func unknownNumbersSurviveInOpenEnums() throws {
        let bytes: [UInt8] = [0x20, 0x63]
        let state = try Protobuf.decode(StateResponse.self, from: bytes)
        #expect(state.status.rawValue == 99)
        #expect(try Protobuf.encode(state) == bytes)
    }

    @Test func theLastOfTwoMessagesWinsWhole() throws {
        let bytes = [UInt8](hex: "3a03 0a0161 3a02 1005")
        #expect(try Protobuf.decode(Optionals.self, from: bytes).aLeaf == Leaf(size: 5))
    }

    @Test func emptyMessagesThatAreNotOptionalAreLeftOut() throws {
        #expect(try Protobuf.encode(StateResponse(id: "x")) == [0x0a, 1, 0x78])
        #expect(try Protobuf.encode(StateResponse(exitedAt: Timestamp(nanos: 1))) == [0x52, 2, 0x10, 1])
    }
}
