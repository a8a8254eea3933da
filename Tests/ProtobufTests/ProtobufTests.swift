import Testing

@testable import Protobuf

enum Color: Int32, Codable { case none, red, blue = 7 }

struct Inner: Codable, Equatable {
    var name = ""
    var size: UInt64 = 0
    enum CodingKeys: Int, CodingKey { case name = 1, size }
}

struct All: Codable, Equatable, Sendable {
    var flag = false
    var small: Int32 = 0
    var large: Int64 = 0
    var natural: UInt32 = 0
    var huge: UInt64 = 0
    var real = 0.0
    var single: Float = 0
    var text = ""
    var raw: [UInt8] = []
    var inner: Inner?
    var inners: [Inner] = []
    var numbers: [Int64] = []
    var words: [String] = []
    var labels: [String: String] = [:]
    var named: [String: Inner] = [:]
    var maybe: UInt32?
    var color = Color.none
    var blobs: [[UInt8]] = []
    var reals: [Double] = []
    var far: Int32 = 0

    enum CodingKeys: Int, CodingKey {
        case flag = 1, small, large, natural, huge, real, single, text, raw, inner, inners, numbers, words, labels
        case named, maybe, color, blobs
        case reals = 20
        case far = 536_870_911
    }
}

@Suite struct ProtobufTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let value: All
        var testDescription: String { name }

        init(_ name: String, _ change: (inout All) -> Void = { _ in }) {
            self.name = name
            var all = All()
            change(&all)
            value = all
        }
    }

    static let rows = [
        Row("empty"),
        Row("numbers") {
            $0.flag = true
            $0.small = -1
            $0.large = .min
            $0.natural = .max
            $0.huge = .max
            $0.real = -0.5
            $0.single = 1.5
        },
        Row("texts") {
            $0.text = "grün 🐳"
            $0.raw = [0, 0xFF, 0x80]
            $0.words = ["", "a"]
            $0.blobs = [[], [0x78]]
        },
        Row("messages") {
            $0.inner = Inner(name: "n", size: 300)
            $0.inners = [Inner(), Inner(size: 1)]
        },
        Row("lists") {
            $0.numbers = [0, -1, 1 << 40]
            $0.reals = [0, 2.25]
        },
        Row("maps") {
            $0.labels = ["a": "", "b": "2", "": "x"]
            $0.named = ["k": Inner(name: "v")]
        },
        Row("presence") {
            $0.maybe = 0
            $0.color = .blue
            $0.far = 7
        },
    ]

    static func golden(_ name: String) throws -> [UInt8] {
        let digits = Array(try #require(goldenBytes[name]))
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0..<$0 + 2]), radix: 16) ?? 0 }
    }

    @Test(arguments: rows) func writesWhatGooglesImplementationWrites(_ row: Row) throws {
        #expect(try Protobuf.encode(row.value) == Self.golden(row.name))
    }

    @Test(arguments: rows) func readsWhatGooglesImplementationWrites(_ row: Row) throws {
        #expect(try Protobuf.decode(All.self, from: Self.golden(row.name)) == row.value)
    }

    @Test(
        arguments: [
            ([0x60, 0x01, 0x60, 0x02], Row("a list that is not packed") { $0.numbers = [1, 2] }),
            ([0x10, 0x01, 0x10, 0x02], Row("the last counts") { $0.small = 2 }),
            ([0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F], Row("too many bits are dropped") { $0.small = -1 }),
            ([0x98, 0x06, 0x05, 0x08, 0x01], Row("an unknown number") { $0.flag = true }),
            ([0x9A, 0x06, 0x02, 0x61, 0x62, 0x08, 0x01], Row("unknown bytes") { $0.flag = true }),
            ([0x9B, 0x06, 0x08, 0x07, 0x1B, 0x1C, 0x9C, 0x06, 0x08, 0x01], Row("an unknown group") { $0.flag = true }),
            ([0x9D, 0x06, 1, 2, 3, 4, 0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8], Row("unknown fixed numbers")),
            ([0x72, 0x00], Row("an empty entry of a map") { $0.labels = ["": ""] }),
        ] as [([UInt8], Row)]) func readsWhatOthersMayWrite(_ bytes: [UInt8], _ row: Row) throws
    {
        #expect(try Protobuf.decode(All.self, from: bytes) == row.value)
    }

    @Test(
        arguments: [
            ([0x08], "ends within a number"), ([0x08, 0x80], "ends within a number"),
            ([0x08] + [UInt8](repeating: 0x80, count: 10) + [1], "a number of more than ten bytes"),
            ([0x42, 0x02, 0x61], "ends within its 2 bytes"),
            (
                [0x42, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
                "ends within its \(UInt64.max) bytes"
            ),
            ([0x42, 0x01, 0xFF], "not UTF-8"), ([0x40, 0x01], "a number instead of text"),
            ([0x0A, 0x01, 0x01], "not of the wire type of Bool"), ([0x00, 0x01], "no field number: 0"),
            ([0x0E], "no wire type: 6"), ([0x0C], "end of a group that has not begun"),
            ([0x0B, 0x14], "end of another group"), ([0x0B], "ends within a number"),
            ([UInt8](repeating: 0x0B, count: 100), "groups nested too deep"),
            ([0x50, 0x01], "a number instead of a message"),
            ([0x52, 0x01, 0x0A], "ends within a number"), ([0x70, 0x01], "a number in a map"),
        ] as [([UInt8], String)]) func saysWhatIsWrong(_ bytes: [UInt8], _ problem: String)
    {
        let error = #expect(throws: ProtobufError.self) { try Protobuf.decode(All.self, from: bytes) }
        #expect(error?.problem == problem)
    }

    @Test func anUnknownEnumValueIsAnError() {
        #expect(throws: ProtobufError.self) { try Protobuf.decode(All.self, from: [0x88, 0x01, 0x05]) }
    }

    struct Nest: Codable {
        var deeper: [Nest] = []
        enum CodingKeys: Int, CodingKey { case deeper = 1 }
    }

    @Test func nestingIsBounded() throws {
        var bytes: [UInt8] = []
        for _ in 0..<Protobuf.maximumDepth - 1 {
            var outer: [UInt8] = [0x0A]
            appendVarint(UInt64(bytes.count), to: &outer)
            bytes = outer + bytes
        }
        _ = try Protobuf.decode(Nest.self, from: bytes)
        for _ in 0..<2 {
            var outer: [UInt8] = [0x0A]
            appendVarint(UInt64(bytes.count), to: &outer)
            bytes = outer + bytes
        }
        let error = #expect(throws: ProtobufError.self) { try Protobuf.decode(Nest.self, from: bytes) }
        #expect(error?.problem == "nested too deep")
    }

    @Test func sizeIsBounded() {
        #expect(throws: ProtobufError.self) { try Protobuf.decode(All.self, from: [8, 1, 8, 1], limit: 3) }
    }

    @Test func everyTruncationAndRandomBytesAreHarmless() throws {
        var whole: [UInt8] = []
        for row in Self.rows { whole += try Self.golden(row.name) }
        for count in 0..<whole.count { _ = try? Protobuf.decode(All.self, from: Array(whole.prefix(count))) }
        var state: UInt64 = 42
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        for _ in 0..<3000 {
            var mutated = whole
            for _ in 0...random() % 4 {
                mutated[Int(random() % UInt64(whole.count))] = UInt8(truncatingIfNeeded: random())
            }
            if let value = try? Protobuf.decode(All.self, from: mutated) {
                // What was read can be written, and reads back the same, NaN apart.
                let again = try Protobuf.encode(try Protobuf.decode(All.self, from: Protobuf.encode(value)))
                #expect(try again == Protobuf.encode(value))
            }
        }
    }
}
