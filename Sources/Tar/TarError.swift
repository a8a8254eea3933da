/// What is wrong with an archive, and where.
public struct TarError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong. Writing throws it alone: there is no archive yet.
    public enum Reason: Error, Equatable, Sendable, CustomStringConvertible {
        /// It ends before its end: in an entry, or without the block of zeros that says so.
        case truncated
        /// The archive is one of a compression that begins so.
        case compressed(String)
        /// Not a byte.
        case nothing
        /// No header, or a damaged one: its sum is not that of its bytes.
        case checksum
        /// A field or a record that should be a number and is none, or one that is too large.
        case badNumber(String)
        /// A record of an extended header is not "length key=value".
        case badRecord
        /// More bytes, or more of them, than the limit.
        case tooLong(String, limit: Int)
        case empty(String)
        case containsNUL(String)
        /// A kind of entry that cannot be unpacked without knowing more of it.
        case unsupported(String)
        /// An extended header is the last thing in the archive.
        case nothingExtended
        /// A block of zeros, which ends the archive, and then something else.
        case loneZeroBlock

        public var description: String {
            switch self {
            case .truncated: "the archive ends too early"
            case .compressed(let how): "the archive is compressed with \(how), decompress it first"
            case .nothing: "there is no archive, the input is empty"
            case .checksum: "no tar header, or a damaged one"
            case .badNumber(let what): "\(what) is no number, or out of range"
            case .badRecord: "a malformed record in an extended header"
            case .tooLong(let what, let limit): "\(what) is longer than \(limit)"
            case .empty(let what): "\(what) is empty"
            case .containsNUL(let what): "\(what) has a NUL in it"
            case .unsupported(let what): "\(what) is not supported"
            case .nothingExtended: "an extended header with no entry after it"
            case .loneZeroBlock: "a single block of zeros between entries"
            }
        }
    }

    public let reason: Reason
    /// Bytes from the start of the archive to the block or record that is wrong, or to where it ends.
    public let offset: UInt64

    init(_ reason: Reason, at offset: UInt64) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason) (at byte \(offset))" }
}
