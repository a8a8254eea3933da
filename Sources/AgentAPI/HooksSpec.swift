/// Programs of a container that are run in it, before its own is executed and as that will be run.
public struct HooksSpec: Codable, Equatable, Sendable {
    /// When there is no limit of its own.
    public static let longestSeconds: UInt32 = 600
    /// All together.
    private static let maximumSeconds: UInt64 = 1 << 31

    /// One after the other; the first that fails is the end of the container.
    public var startContainer: [HookSpec] = []
    /// What they read: the container's state as a JSON object, with members. The init adds `pid`, which it knows first.
    public var state: [UInt8] = []

    public init() {}

    /// How long they take together at most.
    public var limit: Duration {
        .seconds(Int64(min(startContainer.reduce(0) { $0 + UInt64($1.limitSeconds) }, Self.maximumSeconds)))
    }

    enum CodingKeys: Int, CodingKey { case startContainer = 1, state }
}

/// One of them.
public struct HookSpec: Codable, Equatable, Sendable {
    /// In the container.
    public var path = ""
    /// The program's own name first.
    public var arguments: [String] = []
    /// `KEY=value`, all of them.
    public var environment: [String] = []
    /// It is killed then.
    public var limitSeconds: UInt32 = 0

    public init() {}

    enum CodingKeys: Int, CodingKey { case path = 1, arguments, environment, limitSeconds }
}
