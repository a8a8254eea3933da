/// The one buffer that a message and all the messages in it are written to.
///
/// A nested message is written behind its tag and one byte for its length. When it is done and longer than 127 bytes,
/// its bytes move up to make room: cheaper than a buffer per message, since most are short.
final class WireWriter {
    private(set) var bytes: [UInt8] = []
    /// What the value that is being encoded has turned out to be.
    private var form = Form.nothing
    private var depth = 0
    /// What a container that cannot throw had to refuse.
    private var refusal: ProtobufError?

    /// What a type writes into its encoder; only calling it tells.
    enum Form: Equatable {
        case nothing, message, bytes
        case scalar(WireType, isDefault: Bool)
    }

    /// Whether a field is left out while it has its default.
    enum Presence { case implicit, explicit }

    /// Where a delimited field began.
    struct Mark { let tag, content: Int }

    init() { bytes.reserveCapacity(256) }

    /// Encodes `value` without tag and length.
    func encodeBare<T: Encodable>(_ value: T) throws(ProtobufError) -> Form {
        guard depth < Protobuf.maximumDepth else {
            throw .limitExceeded(.init(offset: nil), "messages nested over \(Protobuf.maximumDepth) deep")
        }
        let outer = form
        form = .nothing
        depth += 1
        defer {
            form = outer
            depth -= 1
        }
        do { try value.encode(to: ValueEncoder(writer: self)) } catch { throw ProtobufError(encoding: error) }
        if let refusal { throw refusal }
        return form
    }

    /// Notes what the value being encoded is. Asking for the keyed container again is allowed, mixing forms is not.
    func declare(_ form: Form) {
        guard self.form == .nothing || (self.form == .message && form == .message) else {
            return refuse("a value encoded twice")
        }
        self.form = form
    }

    /// Fails the encoding from where nothing can be thrown.
    func refuse(_ what: String) {
        refusal = refusal ?? .unsupported(.init(offset: nil), what)
    }

    func appendTag(_ number: UInt32, _ type: WireType) {
        append(UInt64(number) << 3 | UInt64(type.rawValue), as: .varint)
    }

    func append(_ bits: UInt64, as type: WireType) {
        switch type {
        // The length of a delimited value is a varint.
        case .varint, .delimited:
            var rest = bits
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: rest))
        case .fixed32: appendLittleEndian(bits, byteCount: 4)
        case .fixed64: appendLittleEndian(bits, byteCount: 8)
        }
    }

    func append(_ content: [UInt8]) { bytes.append(contentsOf: content) }

    func append(_ content: String) { bytes.append(contentsOf: content.utf8) }

    func beginDelimited(_ number: UInt32) -> Mark {
        let tag = bytes.count
        appendTag(number, .delimited)
        bytes.append(0)
        return Mark(tag: tag, content: bytes.count)
    }

    func endDelimited(_ mark: Mark) {
        var length = UInt64(bytes.count - mark.content)
        guard length >= 0x80 else {
            bytes[mark.content - 1] = UInt8(truncatingIfNeeded: length)
            return
        }
        bytes[mark.content - 1] = UInt8(truncatingIfNeeded: length) | 0x80
        length >>= 7
        var more: [UInt8] = []
        while length >= 0x80 {
            more.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        more.append(UInt8(truncatingIfNeeded: length))
        bytes.insert(contentsOf: more, at: mark.content)
    }

    /// The delimited field turned out to be a scalar: its tag says so and it has no length.
    func endScalar(_ mark: Mark, _ type: WireType) {
        bytes[mark.tag] = bytes[mark.tag] & ~7 | type.rawValue
        bytes.remove(at: mark.content - 1)
    }

    /// Takes the field back.
    func abandon(_ mark: Mark) { bytes.removeSubrange(mark.tag...) }

    func isEmpty(since mark: Mark) -> Bool { bytes.count == mark.content }

    private func appendLittleEndian(_ bits: UInt64, byteCount: UInt64) {
        for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: bits >> (index * 8))) }
    }
}

extension ProtobufError {
    /// Anything that an `encode(to:)` throws.
    init(encoding error: any Error) {
        switch error {
        case let error as ProtobufError: self = error
        case EncodingError.invalidValue(_, let context):
            self = .unsupported(ProtobufLocation(offset: nil), context.debugDescription)
        default: self = .unsupported(ProtobufLocation(offset: nil), "\(error)")
        }
    }
}
