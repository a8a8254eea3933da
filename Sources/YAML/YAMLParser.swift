/// Reads YAML from a hostile writer into values, with libyaml's events. Less is taken than YAML allows, so that a short
/// text stays small in memory and says the same to every reader: no anchors and aliases, no tags but those of the core
/// schema, no directives for them, keys are scalars and occur once.
public struct YAMLParser {
    /// Of the text. A pod manifest has a few thousand.
    public static let maximumBytes = 1 << 20
    /// Mappings and sequences inside each other; a pod manifest needs 12. It bounds the recursion below.
    public static let maximumDepth = 32
    /// Values and keys of all documents together.
    public static let maximumNodes = 65_536
    /// Documents of one text.
    public static let maximumDocuments = 256

    private let reader: EventReader
    private var nodes = 0

    private init(_ reader: EventReader) { self.reader = reader }

    /// The one document of `bytes`, UTF-8; nil when there is none, in an empty text or one of comments.
    public static func parse(_ bytes: [UInt8]) throws(YAMLError) -> YAMLNode? {
        let documents = try parse(bytes, limit: 1, "more than one document")
        return documents.first
    }

    /// The documents of `bytes`, UTF-8, which `---` separates. A document without content is a null.
    public static func parseAll(_ bytes: [UInt8]) throws(YAMLError) -> [YAMLNode] {
        try parse(bytes, limit: maximumDocuments, "more than \(maximumDocuments) documents")
    }

    private static func parse(
        _ bytes: [UInt8], limit: Int, _ problem: String
    ) throws(YAMLError) -> [YAMLNode] {
        guard bytes.count <= maximumBytes else {
            throw YAMLError(YAMLPosition(line: 1, column: 1), "the text has more than \(maximumBytes) bytes")
        }
        let result = bytes.withUnsafeBytes { bytes -> Result<[YAMLNode], YAMLError> in
            do throws(YAMLError) {
                var parser = YAMLParser(try EventReader(bytes))
                return .success(try parser.documents(limit, problem))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private mutating func documents(_ limit: Int, _ problem: String) throws(YAMLError) -> [YAMLNode] {
        var documents: [YAMLNode] = []
        while true {
            let event = try reader.next()
            switch event.kind {
            case .documentStart(let hasTagDirectives):
                guard documents.count < limit else { throw YAMLError(event.position, problem) }
                guard !hasTagDirectives else {
                    throw YAMLError(event.position, "tag directives are not supported")
                }
                documents.append(try value(try reader.next(), depth: 0))
            case .streamEnd: return documents
            case .streamStart, .documentEnd: break
            case .alias, .scalar, .sequenceStart, .mappingStart, .collectionEnd:
                throw YAMLError(event.position, "a value outside of any document")
            }
        }
    }

    private mutating func value(_ event: Event, depth: Int) throws(YAMLError) -> YAMLNode {
        switch event.kind {
        case .scalar(let raw): return YAMLNode(.scalar(try scalar(raw, event.position)), at: event.position)
        case .sequenceStart(let properties):
            try enter(properties, "seq", depth, event.position)
            return YAMLNode(.sequence(try elements(depth: depth + 1)), at: event.position)
        case .mappingStart(let properties):
            try enter(properties, "map", depth, event.position)
            return YAMLNode(.mapping(try members(depth: depth + 1)), at: event.position)
        case .alias: throw YAMLError(event.position, "aliases are not supported")
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .collectionEnd:
            throw YAMLError(event.position, "a value is missing")
        }
    }

    private mutating func elements(depth: Int) throws(YAMLError) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try reader.next()
            if case .collectionEnd = event.kind { return elements }
            elements.append(try value(event, depth: depth))
        }
    }

    private mutating func members(depth: Int) throws(YAMLError) -> [YAMLMember] {
        var members: [YAMLMember] = []
        var keys: Set<String> = []
        while true {
            let event = try reader.next()
            if case .collectionEnd = event.kind { return members }
            guard case .scalar(let key) = try value(event, depth: depth).content else {
                throw YAMLError(event.position, "a key is a single value, not a mapping or a sequence")
            }
            guard keys.insert(key.text).inserted else {
                throw YAMLError(event.position, "the key \(YAMLText.quoted(key.text)) occurs twice")
            }
            let value = try value(try reader.next(), depth: depth)
            members.append(YAMLMember(key: key.text, at: event.position, value: value))
        }
    }

    private mutating func enter(
        _ properties: Properties, _ tag: String, _ depth: Int, _ position: YAMLPosition
    ) throws(YAMLError) {
        guard depth < Self.maximumDepth else {
            throw YAMLError(position, "nested deeper than \(Self.maximumDepth)")
        }
        if let found = try core(properties, position), found != tag {
            throw YAMLError(position, "!!\(found) does not fit here")
        }
    }

    private mutating func scalar(_ raw: RawScalar, _ position: YAMLPosition) throws(YAMLError) -> YAMLScalar {
        guard !raw.text.utf8.contains(0) else { throw YAMLError(position, "a text with the character NUL") }
        let resolved = YAMLScalar.Tag.resolve(plain: raw.text)
        guard let name = try core(raw.properties, position) else {
            return YAMLScalar(text: raw.text, style: raw.style, tag: raw.style == .plain ? resolved : .string)
        }
        guard let tag = YAMLScalar.Tag(rawValue: name), tag == .string || tag == resolved else {
            throw YAMLError(position, "!!\(name) does not fit here")
        }
        return YAMLScalar(text: raw.text, style: raw.style, tag: tag)
    }

    /// Counts a value and checks what stands before it.
    /// - Returns: the name of its tag, which is one of the core schema; nil when it has none.
    private mutating func core(_ properties: Properties, _ position: YAMLPosition) throws(YAMLError) -> String? {
        nodes += 1
        guard nodes <= Self.maximumNodes else { throw YAMLError(position, "more than \(Self.maximumNodes) values") }
        guard !properties.hasAnchor else { throw YAMLError(position, "anchors are not supported") }
        guard let tag = properties.tag else { return nil }
        let prefix = "tag:yaml.org,2002:"
        let names = ["null", "bool", "int", "float", "str", "seq", "map"]
        guard tag.hasPrefix(prefix), names.contains(String(tag.dropFirst(prefix.count))) else {
            throw YAMLError(position, "the tag \(YAMLText.quoted(tag)) is not supported")
        }
        return String(tag.dropFirst(prefix.count))
    }
}
