/// Where in a message something went wrong.
public struct ProtobufLocation: Equatable, Sendable, CustomStringConvertible {
    /// Coding keys from the outermost message inwards, as in `rootfs[2].options`; empty for the message itself.
    /// Elements of arrays and entries of maps show as their position.
    public internal(set) var path: String
    /// Bytes from the beginning of the decoded input; nil while encoding and for what is missing there.
    public let offset: Int?

    init(path: String = "", offset: Int?) {
        self.path = path
        self.offset = offset
    }

    /// One phrase for a person, "rootfs[2].source at byte 17".
    public var description: String {
        let place = path.isEmpty ? "message" : path
        guard let offset else { return place }
        return "\(place) at byte \(offset)"
    }
}

/// Why a message could not be read or written.
public enum ProtobufError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes break the wire format: cut short, a varint over 64 bits, a wire type that does not exist.
    case malformed(ProtobufLocation, String)
    /// A well-formed field does not fit its property: another wire type, no UTF-8, out of range, no such enum case.
    case invalidValue(ProtobufLocation, String)
    /// One of the limits in `Protobuf` was reached.
    case limitExceeded(ProtobufLocation, String)
    /// The Swift type has no counterpart in proto3. A mistake in the message's declaration, never in the input.
    case unsupported(ProtobufLocation, String)

    /// One line for a log or a status message. It may quote the input.
    public var description: String {
        switch self {
        case .malformed(let location, let what): "malformed protobuf, \(location): \(what)"
        case .invalidValue(let location, let what): "unexpected protobuf value, \(location): \(what)"
        case .limitExceeded(let location, let what): "protobuf limit exceeded, \(location): \(what)"
        case .unsupported(let location, let what): "no protobuf type, \(location): \(what)"
        }
    }

    /// The same error as seen by the message around it, where it happened in `step`.
    func inside(_ step: String) -> ProtobufError {
        func outwards(_ location: ProtobufLocation) -> ProtobufLocation {
            let separator = location.path.isEmpty || location.path.hasPrefix("[") ? "" : "."
            return ProtobufLocation(path: step + separator + location.path, offset: location.offset)
        }
        switch self {
        case .malformed(let location, let what): return .malformed(outwards(location), what)
        case .invalidValue(let location, let what): return .invalidValue(outwards(location), what)
        case .limitExceeded(let location, let what): return .limitExceeded(outwards(location), what)
        case .unsupported(let location, let what): return .unsupported(outwards(location), what)
        }
    }
}
