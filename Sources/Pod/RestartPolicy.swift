/// Whether a container's program is started again when it has ended, as `docker run --restart` says it. Pure.
public enum RestartPolicy: Equatable, Sendable {
    case no
    /// When it has ended with another code than 0, so many times; nil: any number of times.
    case onFailure(maximum: Int?)
    case always
    /// As `always`: they differ when a host starts, which starts no containers here.
    case unlessStopped

    /// Nil for what is none: `no`, `on-failure[:N]`, `always`, `unless-stopped`.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.first == "on-failure" else { return nil }
        switch parts.first {
        case "no", "": self = .no
        case "always": self = .always
        case "unless-stopped": self = .unlessStopped
        case "on-failure":
            guard parts.count == 2 else {
                self = .onFailure(maximum: nil)
                return
            }
            guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let maximum = Int(parts[1]) else { return nil }
            // As docker has it.
            self = .onFailure(maximum: maximum == 0 ? nil : maximum)
        default: return nil
        }
    }

    public var text: String {
        switch self {
        case .no: "no"
        case .always: "always"
        case .unlessStopped: "unless-stopped"
        case .onFailure(nil): "on-failure"
        case .onFailure(let maximum?): "on-failure:\(maximum)"
        }
    }

    /// - Parameters:
    ///   - status: the code, or 128 and the signal.
    ///   - count: how often it has been started again.
    public func restarts(afterStatus status: UInt32, count: Int) -> Bool {
        switch self {
        case .no: false
        case .always, .unlessStopped: true
        case .onFailure(let maximum): status != 0 && count < maximum ?? .max
        }
    }
}

/// How long the next start waits: docker's times. Pure.
public struct RestartBackoff: Equatable, Sendable {
    private static let first: Duration = .milliseconds(100), longest: Duration = .seconds(60)
    /// A program that has run for so long is one that works.
    private static let goodRun: Duration = .seconds(10)

    private var next = RestartBackoff.first

    public init() {}

    /// - Parameter ran: how long it ran.
    public mutating func delay(after ran: Duration) -> Duration {
        if ran >= Self.goodRun { next = Self.first }
        let delay = next
        next = min(next + next, Self.longest)
        return delay
    }
}
