import CommandTree
import ContainerStore
import OCI
import Pod
import TaskAPI

/// What happens to a container after its start: `--restart` and `--health-*`.
extension RunOptions {
    mutating func readLife(_ arguments: ParsedArguments) throws {
        if let text = arguments.value("restart") {
            guard let policy = RestartPolicy(text) else {
                throw CLIError(
                    "--restart cannot be \"\(text)\": it is no, on-failure[:TIMES], always or unless-stopped",
                    exitCode: CLIError.notRun)
            }
            guard policy == .no || !removesItself else {
                throw CLIError(
                    "--restart and --rm: a container that is removed is not started again", exitCode: CLIError.notRun)
            }
            restart = policy
        }
        noHealthCheck = arguments.flag("no-healthcheck")
        healthCommand = arguments.value("health-cmd")
        for (option, place) in Self.healthTimes {
            guard let time = try arguments.value(option, as: DurationValue.parse) else { continue }
            guard time == .zero || time >= .milliseconds(1) else {
                throw CLIError("--\(option): at least 1ms, or 0 for the default", exitCode: CLIError.notRun)
            }
            health[keyPath: place] = time == .zero ? nil : time.milliseconds
        }
        if let text = arguments.value("health-retries") {
            guard let retries = UInt32(text) else {
                throw CLIError("--health-retries \(text): a whole number is needed", exitCode: CLIError.notRun)
            }
            health.retries = retries == 0 ? nil : retries
        }
        let isGiven = healthCommand != nil || health != HealthRecord(command: [])
        if noHealthCheck, isGiven {
            throw CLIError("--no-healthcheck and --health-*: give one of them", exitCode: CLIError.notRun)
        }
    }

    private static var healthTimes: [(String, WritableKeyPath<HealthRecord, UInt64?>)] {
        [
            ("health-interval", \.intervalMilliseconds), ("health-timeout", \.timeoutMilliseconds),
            ("health-start-period", \.startPeriodMilliseconds), ("health-start-interval", \.startIntervalMilliseconds),
        ]
    }

    /// The image's check with what the options say instead; nil for none.
    func healthCheck(_ image: ImageConfig) throws(CLIError) -> HealthRecord? {
        guard !noHealthCheck else { return nil }
        let own = image.config?.healthcheck
        var result = HealthRecord(command: healthCommand.map(Self.shell) ?? Self.command(own?.test ?? []))
        result.intervalMilliseconds = health.intervalMilliseconds ?? Self.milliseconds(own?.interval)
        result.timeoutMilliseconds = health.timeoutMilliseconds ?? Self.milliseconds(own?.timeout)
        result.startPeriodMilliseconds = health.startPeriodMilliseconds ?? Self.milliseconds(own?.startPeriod)
        result.startIntervalMilliseconds = health.startIntervalMilliseconds ?? Self.milliseconds(own?.startInterval)
        result.retries = health.retries ?? own?.retries.flatMap { $0 > 0 ? UInt32(clamping: $0) : nil }
        guard !result.command.isEmpty else {
            guard health == HealthRecord(command: []) else {
                throw CLIError(
                    "--health-*: there is no check, in the image neither: give one with --health-cmd",
                    exitCode: CLIError.notRun)
            }
            return nil
        }
        return result
    }

    private static func shell(_ command: String) -> [String] {
        command.isEmpty || command == "none" ? [] : ["/bin/sh", "-c", command]
    }

    /// `["CMD", …]` or `["CMD-SHELL", …]`; anything else is none.
    private static func command(_ test: [String]) -> [String] {
        switch test.first {
        case "CMD": Array(test.dropFirst())
        case "CMD-SHELL": shell(test.dropFirst().joined(separator: " "))
        default: []
        }
    }

    private static func milliseconds(_ nanoseconds: Int64?) -> UInt64? {
        guard let nanoseconds, nanoseconds > 0 else { return nil }
        return UInt64(max(nanoseconds / 1_000_000, 1))
    }
}

extension Duration {
    fileprivate var milliseconds: UInt64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1000)
        return overflow ? .max : product + UInt64(attoseconds / 1_000_000_000_000_000)
    }
}

extension HealthRecord {
    var options: HealthOptions {
        var options = HealthOptions()
        options.command = command
        (options.intervalMilliseconds, options.timeoutMilliseconds) = (
            intervalMilliseconds ?? 0, timeoutMilliseconds ?? 0
        )
        options.startPeriodMilliseconds = startPeriodMilliseconds ?? 0
        options.startIntervalMilliseconds = startIntervalMilliseconds ?? 0
        options.retries = retries ?? 0
        return options
    }
}
