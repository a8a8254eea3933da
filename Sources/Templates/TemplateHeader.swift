import JSON

/// What a template says of itself: the file `template.json` in its directory.
public struct TemplateHeader: Equatable, Sendable {
    /// Of the files. Part of every key, so that templates of other formats are others.
    public static let format = 1
    static let maximumBytes = 64 << 10

    /// A file of it.
    public struct Part: Equatable, Sendable {
        public var sizeBytes: Int64
        public var digest: String

        public init(sizeBytes: Int64, digest: String) { (self.sizeBytes, self.digest) = (sizeBytes, digest) }
    }

    public var key: TemplateKey
    /// In nanoseconds since 1970.
    public var createdAt: Int64
    public var memoryMiB: Int
    public var vCPUs: Int
    /// The guest's memory; its digest is of the pages that are not zeros.
    public var memory: Part
    /// Bytes of it that are not zeros.
    public var memoryUsedBytes: Int64
    public var state: Part
    /// How long making it took.
    public var buildMilliseconds: UInt64

    var serialized: String {
        func part(_ part: Part) -> JSONValue {
            .members(["bytes": .number("\(part.sizeBytes)"), "digest": .string(part.digest)])
        }
        return JSONValue.members([
            "template": .number("\(Self.format)"), "createdAt": .number("\(createdAt)"),
            "memoryMiB": .number("\(memoryMiB)"), "vcpus": .number("\(vCPUs)"),
            "memory": part(memory), "memoryUsedBytes": .number("\(memoryUsedBytes)"), "state": part(state),
            "buildMilliseconds": .number("\(buildMilliseconds)"),
            "inputs": .object(key.inputs.map { JSONMember(key: $0.name, value: .string($0.value)) }),
        ]).indented + "\n"
    }

    /// Reads what `serialized` wrote; nil for anything else.
    init?(serialized bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes),  // Where it is broken helps nobody: it is made anew.
            value["template"] == .number("\(Self.format)"),
            case .object(let inputs)? = value["inputs"],
            let createdAt = value["createdAt"]?.integer, let memoryMiB = value["memoryMiB"]?.integer,
            let vCPUs = value["vcpus"]?.integer, let used = value["memoryUsedBytes"]?.integer,
            let milliseconds = value["buildMilliseconds"]?.integer,
            createdAt >= 0, memoryMiB > 0, vCPUs > 0, used >= 0, milliseconds >= 0,
            let memory = value["memory"].flatMap(Part.init), let state = value["state"].flatMap(Part.init)
        else { return nil }
        let texts = inputs.compactMap { input in input.value.text.map { TemplateKey.Input(input.key, $0) } }
        guard texts.count == inputs.count else { return nil }
        self.init(
            key: TemplateKey(texts), createdAt: createdAt, memoryMiB: Int(memoryMiB), vCPUs: Int(vCPUs), memory: memory,
            memoryUsedBytes: used, state: state, buildMilliseconds: UInt64(milliseconds))
    }

    init(
        key: TemplateKey, createdAt: Int64, memoryMiB: Int, vCPUs: Int, memory: Part, memoryUsedBytes: Int64,
        state: Part,
        buildMilliseconds: UInt64
    ) {
        (self.key, self.createdAt, self.memoryMiB, self.vCPUs) = (key, createdAt, memoryMiB, vCPUs)
        (self.memory, self.memoryUsedBytes, self.state) = (memory, memoryUsedBytes, state)
        self.buildMilliseconds = buildMilliseconds
    }
}

extension TemplateHeader.Part {
    fileprivate init?(_ value: JSONValue) {
        guard let bytes = value["bytes"]?.integer, bytes >= 0, let digest = value["digest"]?.text else { return nil }
        self.init(sizeBytes: bytes, digest: digest)
    }
}

extension JSONValue {
    fileprivate var integer: Int64? {
        guard case .number(let digits) = self else { return nil }
        return Int64(digits)
    }
}
