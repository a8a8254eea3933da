/// What a call came to, as the two ends of ttrpc tell it to each other: a gRPC code and a text for people.
/// The `details` of `google.rpc.Status` are neither sent nor read. Source: google/rpc/status.proto.
public struct TTRPCStatus: Error, Equatable, Sendable, CustomStringConvertible {
    /// Success, without a text.
    public static let ok = TTRPCStatus(.ok)

    public var code: TTRPCCode
    /// For people only; it comes from the peer and may hold anything.
    public var message: String

    /// A status of `code`, by default without a text.
    public init(_ code: TTRPCCode, _ message: String = "") {
        self.code = code
        self.message = message
    }

    public var description: String { message.isEmpty ? "\(code)" : message }
}

/// The codes of gRPC with their numbers on the wire. Source: google/rpc/code.proto.
public enum TTRPCCode: Int32, CaseIterable, Sendable {
    case ok = 0
    case cancelled = 1
    /// Also what a number becomes that is none of these.
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16
}
