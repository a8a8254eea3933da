import CYAML

/// libyaml's parser on bytes that outlive it. The only place that knows its structures; each is freed by its owner.
final class EventReader {
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// `bytes` must stay where they are as long as the reader is used.
    /// - Throws: when there is no memory.
    init(_ bytes: UnsafeRawBufferPointer) throws(YAMLError) {
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLError(YAMLPosition(line: 1, column: 1), "out of memory")
        }
        // Otherwise a byte order mark could make it UTF-16.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event. Not to be called again after `.streamEnd` or an error.
    func next() throws(YAMLError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure }
        defer { yaml_event_delete(&event) }
        return Event(kind: Self.kind(event), position: YAMLPosition(event.start_mark))
    }

    private static func kind(_ event: yaml_event_t) -> Event.Kind {
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            let tags = event.data.document_start.tag_directives
            return .documentStart(hasTagDirectives: tags.start != tags.end)
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_ALIAS_EVENT: return .alias
        case YAML_SCALAR_EVENT: return .scalar(scalar(event.data.scalar))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .sequenceStart(Properties(hasAnchor: start.anchor != nil, tag: text(start.tag)))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .mappingStart(Properties(hasAnchor: start.anchor != nil, tag: text(start.tag)))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .collectionEnd
        default: return .streamStart
        }
    }

    private static func scalar(_ data: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar) -> RawScalar {
        let style: YAMLScalar.Style =
            switch data.style {
            case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
            case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
            case YAML_LITERAL_SCALAR_STYLE: .literal
            case YAML_FOLDED_SCALAR_STYLE: .folded
            default: .plain
            }
        let bytes = UnsafeBufferPointer(start: data.value, count: data.value == nil ? 0 : data.length)
        return RawScalar(
            text: String(decoding: bytes, as: UTF8.self), style: style,
            properties: Properties(hasAnchor: data.anchor != nil, tag: text(data.tag)))
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    /// What libyaml says of its last error. A text that cannot be decoded has a place in bytes only.
    private var failure: YAMLError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        let context = parser.pointee.context.map { ", " + String(cString: $0) } ?? ""
        let mark = parser.pointee.error == YAML_READER_ERROR ? parser.pointee.mark : parser.pointee.problem_mark
        return YAMLError(YAMLPosition(mark), problem + context)
    }
}

/// What libyaml has found next.
struct Event {
    enum Kind {
        case streamStart, streamEnd
        case documentStart(hasTagDirectives: Bool)
        case documentEnd
        case alias
        case scalar(RawScalar)
        case sequenceStart(Properties), mappingStart(Properties)
        case collectionEnd
    }

    let kind: Kind
    let position: YAMLPosition
}

/// What may stand before a value.
struct Properties {
    let hasAnchor: Bool
    /// In full: `tag:yaml.org,2002:str` for `!!str`.
    let tag: String?
}

/// A scalar whose tag is not resolved yet.
struct RawScalar {
    let text: String
    let style: YAMLScalar.Style
    let properties: Properties
}

extension YAMLPosition {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }
}
