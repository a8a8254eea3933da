import JSON

/// What `status.json` in a container's record says: written by its monitor at each change, read by front ends without
/// asking a monitor.
public struct ContainerStatus: Equatable, Sendable {
    public enum Phase: String, Sendable {
        case created, running
        /// It has ended, and will be started again by its monitor.
        case restarting
        case exited
    }

    /// To its users it runs, also while it waits to be started again.
    public var isRunning: Bool { phase == .running || phase == .restarting }

    public static let version = 1
    public static let fileName = "status.json"
    /// Bytes of a file that are looked at.
    public static let maximumBytes = 64 << 10

    public var phase: Phase
    /// The process's number in the guest.
    public var pid: UInt32 = 0
    /// Nanoseconds since 1970 in UTC; 0 when it has not happened.
    public var startedAt: Int64 = 0
    public var finishedAt: Int64 = 0
    /// The code, or 128 and the signal.
    public var exitCode: UInt32 = 0
    public var outOfMemory = false
    /// It runs, and its processes stand still.
    public var paused = false
    /// How often its program has been started again by itself.
    public var restarts = 0
    /// `Health.Status`, while it runs and is looked after; empty otherwise.
    public var health = ""
    /// Why it could not start or was lost, at most `maximumErrorBytes` of it; empty otherwise. A guest may have a say in
    /// it.
    public var error = "" {
        didSet { error = Self.beginning(of: error) }
    }
    /// So that the file fits in a page, whatever has to be escaped in it.
    public static let maximumErrorBytes = 1500

    public init(_ phase: Phase) { self.phase = phase }

    private static func beginning(of text: String) -> String {
        var bytes = 0
        let kept = text.unicodeScalars.prefix { scalar in
            // An escaped control character takes six bytes.
            bytes += scalar.value < 0x20 ? 6 : UTF8.width(scalar)
            return bytes <= maximumErrorBytes
        }
        return kept.endIndex == text.unicodeScalars.endIndex ? text : String(kept) + "…"
    }

    public var serialized: [UInt8] {
        Array(
            (JSONValue.members([
                "version": .number("\(Self.version)"), "phase": .string(phase.rawValue), "pid": .number("\(pid)"),
                "startedAt": .number("\(startedAt)"), "finishedAt": .number("\(finishedAt)"),
                "exitCode": .number("\(exitCode)"), "outOfMemory": .bool(outOfMemory), "paused": .bool(paused),
                "restarts": .number("\(restarts)"), "health": .string(health), "error": .string(error),
            ]).serialized + "\n").utf8)
    }

    /// Nil for what is no status of this version.
    public init?(serialized: [UInt8]) {
        guard let value = try? JSONParser.parse(serialized),  // Why it is none helps nobody.
            value["version"] == .number("\(Self.version)"), let text = value["phase"]?.text,
            let phase = Phase(rawValue: text)
        else { return nil }
        func number<T: FixedWidthInteger>(_ key: String) -> T? {
            guard case .number(let digits) = value[key] else { return nil }
            return T(digits)
        }
        guard let pid: UInt32 = number("pid"), let startedAt: Int64 = number("startedAt"),
            let finishedAt: Int64 = number("finishedAt"), let exitCode: UInt32 = number("exitCode")
        else { return nil }
        self.phase = phase
        (self.pid, self.startedAt, self.finishedAt, self.exitCode) = (pid, startedAt, finishedAt, exitCode)
        outOfMemory = value["outOfMemory"] == .bool(true)
        // Not there in what an older monitor wrote.
        paused = value["paused"] == .bool(true)
        restarts = number("restarts") ?? 0
        health = value["health"]?.text ?? ""
        error = value["error"]?.text ?? ""
    }

    /// What becomes of it when the pod is found gone: nobody can have seen an end, and it is never a success.
    public mutating func lost(at time: Int64) {
        guard phase != .exited else { return }
        phase = .exited
        (exitCode, finishedAt, pid, paused) = (137, time, 0, false)
        if error.isEmpty { error = "its pod was killed" }
    }
}
