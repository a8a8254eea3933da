import JSON

/// How a container's health is looked after, as an image's `Healthcheck` or `docker run --health-*` says it.
public struct HealthCheck: Equatable, Sendable {
    /// The program and its arguments.
    public var command: [String]
    public var interval: Duration
    /// After it a probe counts as failed.
    public var timeout: Duration
    /// Since the start: failures count for nothing until it is over, or a probe has succeeded.
    public var startPeriod: Duration
    /// Between probes while the start period lasts.
    public var startInterval: Duration
    /// So many failures one after the other make it unhealthy.
    public var retries: Int

    /// docker's defaults for what is not given.
    public init(
        command: [String], interval: Duration? = nil, timeout: Duration? = nil, startPeriod: Duration? = nil,
        startInterval: Duration? = nil, retries: Int? = nil
    ) {
        self.command = command
        self.interval = interval ?? .seconds(30)
        self.timeout = timeout ?? .seconds(30)
        self.startPeriod = startPeriod ?? .zero
        self.startInterval = startInterval ?? .seconds(5)
        self.retries = retries ?? 3
    }
}

/// A container's health, from one probe to the next. Pure.
public struct Health: Equatable, Sendable {
    public enum Status: String, Sendable { case starting, healthy, unhealthy }

    /// What a probe came to.
    public struct Probe: Equatable, Sendable {
        /// Nanoseconds since 1970 in UTC.
        public var start: Int64, end: Int64
        /// 0: healthy. -1: it took too long, or could not be made.
        public var exitCode: Int32
        /// What it wrote, cut.
        public var output: String

        public init(start: Int64, end: Int64, exitCode: Int32, output: String) {
            (self.start, self.end, self.exitCode, self.output) = (start, end, exitCode, output)
        }
    }

    /// Bytes of a probe's output that are kept, and probes that are: docker's.
    public static let outputBytes = 4096, probes = 5

    public private(set) var status = Status.starting
    public private(set) var failures = 0
    /// The last ones, the oldest first.
    public private(set) var log: [Probe] = []

    public init() {}

    /// Takes a probe in.
    /// - Parameter startedAt: when the container started.
    /// - Returns: whether the status has changed.
    public mutating func take(_ probe: Probe, of check: HealthCheck, startedAt: Int64) -> Bool {
        let before = status
        log.append(probe)
        if log.count > Self.probes { log.removeFirst() }
        if probe.exitCode == 0 {
            (status, failures) = (.healthy, 0)
        } else {
            let isStarting = status == .starting && Duration.nanoseconds(probe.start &- startedAt) < check.startPeriod
            if !isStarting { failures += 1 }
            if failures >= check.retries { status = .unhealthy }
        }
        return status != before
    }

    /// How long until the next probe.
    public func pause(of check: HealthCheck, sinceStart: Duration) -> Duration {
        status == .starting && sinceStart < check.startPeriod ? check.startInterval : check.interval
    }

    /// docker's fields of `State.Health`, with times in nanoseconds.
    public var json: JSONValue {
        .members([
            "Status": .string(status.rawValue), "FailingStreak": .number("\(failures)"),
            "Log": .array(
                log.map { probe in
                    .members([
                        "Start": .number("\(probe.start)"), "End": .number("\(probe.end)"),
                        "ExitCode": .number("\(probe.exitCode)"), "Output": .string(probe.output),
                    ])
                }),
        ])
    }
}
