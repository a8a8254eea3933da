import Protobuf

// The messages of Golden/golden.proto.

enum Color: Int32, Codable { case none = 0, red, green, late = 300, below = -1 }

struct Scalars: Codable, Equatable {
    enum CodingKeys: Int, CodingKey {
        case aBool = 1, anInt32, anInt64, aUInt32, aUInt64, aSInt32, aSInt64, aFixed32, aFixed64, aFloat, aDouble
        case aString, aBytes, aColor, far = 536_870_911
    }
    var aBool = false
    var anInt32: Int32 = 0
    var anInt64: Int64 = 0
    var aUInt32: UInt32 = 0
    var aUInt64: UInt64 = 0
    var aSInt32 = SInt32(rawValue: 0)
    var aSInt64 = SInt64(rawValue: 0)
    var aFixed32 = Fixed32(rawValue: 0)
    var aFixed64 = Fixed64(rawValue: 0)
    var aFloat: Float = 0
    var aDouble: Double = 0
    var aString = ""
    var aBytes: [UInt8] = []
    var aColor = Color.none
    var far: UInt32 = 0
}

struct Leaf: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case name = 1, size }
    var name = ""
    var size: UInt32 = 0
}

struct Optionals: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case aBool = 1, anInt32, aDouble, aString, aBytes, aColor, aLeaf, aSInt64 }
    var aBool: Bool?
    var anInt32: Int32?
    var aDouble: Double?
    var aString: String?
    var aBytes: [UInt8]?
    var aColor: Color?
    var aLeaf: Leaf?
    var aSInt64: SInt64?
}

struct Repeated: Codable, Equatable {
    enum CodingKeys: Int, CodingKey {
        case numbers = 1, fixed, doubles, flags, names, blobs, leaves, colors, deltas = 16
    }
    var numbers: [Int32] = []
    var fixed: [Fixed32] = []
    var doubles: [Double] = []
    var flags: [Bool] = []
    var names: [String] = []
    var blobs: [[UInt8]] = []
    var leaves: [Leaf] = []
    var colors: [Color] = []
    var deltas: [SInt32] = []
}

struct Maps: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case labels = 1, blobs, leaves, numbers, names, colors, halves }
    var labels: [String: String] = [:]
    var blobs: [String: [UInt8]] = [:]
    var leaves: [String: Leaf] = [:]
    var numbers: [Int32: Int32] = [:]
    var names: [UInt64: String] = [:]
    var colors: [String: Color] = [:]
    var halves: [Bool: Double] = [:]
}

struct Tree: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case name = 1, children }
    var name = ""
    var children: [Tree] = []

    /// A chain of `depth` messages, the outermost included.
    static func chain(depth: Int) -> Tree {
        (1..<depth).reduce(Tree(name: "end")) { tree, _ in Tree(children: [tree]) }
    }
}

struct Mount: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case type = 1, source, target, options }
    var type = ""
    var source = ""
    var target = ""
    var options: [String] = []
}

struct CreateTaskRequest: Codable, Equatable {
    enum CodingKeys: Int, CodingKey {
        case id = 1, bundle, rootfs, terminal, stdin, stdout, stderr, checkpoint, parentCheckpoint, options
    }
    var id = ""
    var bundle = ""
    var rootfs: [Mount] = []
    var terminal = false
    var stdin = ""
    var stdout = ""
    var stderr = ""
    var checkpoint = ""
    var parentCheckpoint = ""
    var options: ProtobufAny?
}

struct Timestamp: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case seconds = 1, nanos }
    var seconds: Int64 = 0
    var nanos: Int32 = 0
}

/// An open enum: numbers without a name survive.
struct TaskStatus: RawRepresentable, Codable, Equatable {
    static let stopped = TaskStatus(rawValue: 3)
    var rawValue: Int32
}

struct StateResponse: Codable, Equatable {
    enum CodingKeys: Int, CodingKey {
        case id = 1, bundle, pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt, execID
    }
    var id = ""
    var bundle = ""
    var pid: UInt32 = 0
    var status = TaskStatus(rawValue: 0)
    var stdin = ""
    var stdout = ""
    var stderr = ""
    var terminal = false
    var exitStatus: UInt32 = 0
    var exitedAt = Timestamp()
    var execID = ""
}

struct UpdateTaskRequest: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case id = 1, resources, annotations }
    var id = ""
    var resources: ProtobufAny?
    var annotations: [String: String] = [:]
}

/// Every shape in one message, for hostile input.
struct Everything: Codable, Equatable {
    enum CodingKeys: Int, CodingKey { case scalars = 1, optionals, repeated, maps, tree, create, state, small, tiny }
    var scalars = Scalars()
    var optionals: Optionals?
    var repeated = Repeated()
    var maps: [String: Maps] = [:]
    var tree = Tree()
    var create = CreateTaskRequest()
    var state: [StateResponse] = []
    var small: [UInt16] = []
    var tiny: Int8 = 0
}

extension [UInt8] {
    /// From hexadecimal digits; white space is ignored.
    init(hex: String) {
        var bytes: [UInt8] = []
        var high: Int?
        for digit in hex.compactMap(\.hexDigitValue) {
            if let first = high {
                bytes.append(UInt8(first * 16 + digit))
                high = nil
            } else {
                high = digit
            }
        }
        self = bytes
    }
}
