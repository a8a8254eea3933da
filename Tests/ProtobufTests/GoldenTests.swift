import Protobuf
import Testing

/// Against the bytes that Python's protobuf makes of the same messages.
@Suite struct GoldenTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var encode: @Sendable () throws -> [UInt8]
        var decodesToSame: @Sendable ([UInt8]) throws -> Bool

        init<M: Codable & Equatable & Sendable>(_ name: String, _ hex: String, _ message: M) {
            testDescription = name
            bytes = [UInt8](hex: hex)
            encode = { try Protobuf.encode(message) }
            decodesToSame = { try Protobuf.decode(M.self, from: $0) == message }
        }
    }

    static let rows = [
        Row(
            "scalars", GoldenBytes.scalars,
            Scalars(
                aBool: true, anInt32: -2, anInt64: -3_000_000_000, aUInt32: .max, aUInt64: .max,
                aSInt32: SInt32(rawValue: .min), aSInt64: SInt64(rawValue: .min),
                aFixed32: Fixed32(rawValue: 0xdead_beef), aFixed64: Fixed64(rawValue: 0x0123_4567_89ab_cdef),
                aFloat: 1.5, aDouble: -0.1, aString: "h\u{e9}llo\u{1f642}", aBytes: [0, 255, 128], aColor: .late,
                far: 7)),
        Row("defaults are absent", GoldenBytes.scalarsDefault, Scalars()),
        Row(
            "odd scalars", GoldenBytes.scalarsOdd,
            Scalars(
                anInt32: .min, anInt64: .max, aSInt32: SInt32(rawValue: 1), aSInt64: SInt64(rawValue: -1),
                aFloat: -0.0, aDouble: .infinity, aColor: .below)),
        Row("absent optionals", GoldenBytes.optionalsAbsent, Optionals()),
        Row(
            "optionals with defaults are present", GoldenBytes.optionalsDefault,
            Optionals(
                aBool: false, anInt32: 0, aDouble: 0, aString: "", aBytes: [], aColor: Color.none, aLeaf: Leaf(),
                aSInt64: SInt64(rawValue: 0))),
        Row(
            "optionals", GoldenBytes.optionalsSet,
            Optionals(
                aBool: true, anInt32: -1, aDouble: 2.5, aString: "x", aBytes: [121, 122], aColor: .green,
                aLeaf: Leaf(name: "leaf", size: 300), aSInt64: SInt64(rawValue: -64))),
        Row("repeated", GoldenBytes.repeated, repeated),
        Row(
            "maps", GoldenBytes.maps,
            Maps(
                labels: ["b": "2", "a": "1", "": "", "\u{e9}": "e", "ab": "3", "z": "26"],
                blobs: ["k": [1, 2], "empty": []], leaves: ["l": Leaf(name: "x", size: 2), "e": Leaf()],
                numbers: [3: 4, -1: 0, 0: 5], names: [.max: "max", 0: "zero"], colors: ["red": .red, "none": .none],
                halves: [true: 0.5, false: 0])),
        Row(
            "tree", GoldenBytes.tree,
            Tree(
                name: "root",
                children: [Tree(name: "l", children: [Tree(name: "ll")]), Tree(name: "r")])),
        Row(
            "CreateTaskRequest", GoldenBytes.createTask,
            CreateTaskRequest(
                id: "pod-1", bundle: "/run/containerd/io.containerd.runtime.v2.task/k8s.io/pod-1",
                rootfs: [
                    Mount(
                        type: "overlay", source: "overlay",
                        options: ["workdir=/var/lib/containerd/w", "upperdir=/u", "lowerdir=/l1:/l2"]),
                    Mount(type: "bind", source: "/s", target: "t", options: ["ro"]),
                ],
                terminal: true, stdin: "/run/fifo/in", stdout: "/run/fifo/out",
                options: ProtobufAny(typeURL: "containerd.runc.v1.Options", value: [0x52, 4] + Array("runc".utf8)))),
        Row(
            "StateResponse", GoldenBytes.state,
            StateResponse(
                id: "c", bundle: "/b", pid: 4321, status: .stopped, exitStatus: 137,
                exitedAt: Timestamp(seconds: 1_700_000_000, nanos: 123_456_789), execID: "e")),
        Row(
            "UpdateTaskRequest", GoldenBytes.updateTask,
            UpdateTaskRequest(
                id: "c",
                resources: ProtobufAny(
                    typeURL: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
                    value: Array(#"{"cpu":{"shares":2}}"#.utf8)),
                annotations: ["b": "2", "a": "1"])),
    ]

    static let repeated = Repeated(
        numbers: [0, 1, -1, 300], fixed: [Fixed32(rawValue: 1), Fixed32(rawValue: .max)], doubles: [0.5, -2],
        flags: [true, false], names: ["a", "", "ccc"], blobs: [[], [0, 1]], leaves: [Leaf(), Leaf(name: "n", size: 1)],
        colors: [.none, .late, .below], deltas: [0, -1, 1, .max].map { SInt32(rawValue: $0) })

    @Test(arguments: rows) func encodesToTheSameBytes(_ row: Row) throws {
        #expect(try row.encode() == row.bytes)
    }

    @Test(arguments: rows) func decodesToTheSameMessage(_ row: Row) throws {
        #expect(try row.decodesToSame(row.bytes))
    }

    @Test func unpackedArraysAreRead() throws {
        let expected = Repeated(
            numbers: [0, 1, -1, 300], fixed: [Fixed32(rawValue: 1), Fixed32(rawValue: .max)],
            colors: [.none, .late, .below])
        #expect(try Protobuf.decode(Repeated.self, from: [UInt8](hex: GoldenBytes.unpacked)) == expected)
    }

    @Test func longMessagesHaveLongLengths() throws {
        let message = Repeated(
            numbers: Array(0..<1000), names: [String(repeating: "n", count: 200)],
            leaves: [Leaf(name: String(repeating: "x", count: 20000))])
        let bytes = try Protobuf.encode(message)
        let sum = bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        #expect(sum == GoldenBytes.repeatedLong)
        #expect(try Protobuf.decode(Repeated.self, from: bytes) == message)
    }

    @Test func aSliceIsRead() throws {
        let bytes: [UInt8] = [9, 9] + [UInt8](hex: GoldenBytes.tree) + [9]
        let tree = try Protobuf.decode(Tree.self, from: bytes[2..<(bytes.count - 1)])
        #expect(tree.children.map(\.name) == ["l", "r"])
    }
}
