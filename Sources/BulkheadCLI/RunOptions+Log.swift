import CommandTree
import Configuration
import ContainerStore

/// `--log-driver`, by docker's names.
enum LogDriver: String, CaseIterable {
    case jsonFile = "json-file"
    /// Docker's other one that keeps files, which are ours all the same.
    case local
    case none
}

extension RunOptions {
    mutating func readLog(_ arguments: ParsedArguments) throws {
        logDriver = arguments.value("log-driver").flatMap(LogDriver.init)
        for options in try arguments.values("log-opt", as: LogOption.parse) { logOptions += options }
        if logDriver == LogDriver.none, let option = logOptions.first {
            throw CLIError(
                "--log-opt \(option.key) with --log-driver none: there is no log", exitCode: CLIError.notRun)
        }
    }
}

extension ContainerRecord {
    /// Notes what later commands need of the options, and how the log was asked for: what is configured is there already.
    mutating func note(_ options: RunOptions, pod: String?) {
        let overrides = options.overrides
        (memoryBytes, nanoCPUs, self.pod) = (overrides.memoryBytes, overrides.nanoCPUs, pod)
        (stopSeconds, processors) = (options.stopSeconds, overrides.processors)
        restart = options.restart == .no ? nil : options.restart.text
        bootsMachine = options.bootsMachine && pod == nil ? true : nil
        (privileged, idFile) = (overrides.isPrivileged ? true : nil, options.idFile)
        logDriver = options.logDriver?.rawValue
        for option in options.logOptions {
            logOptions = (logOptions ?? [:]).merging([option.key: option.value]) { $1 }
            switch option.limit {
            case .fileBytes(let bytes): logFileBytes = UInt64(clamping: bytes)
            case .files(let count): logFiles = UInt32(clamping: count)
            }
        }
        if options.logDriver == LogDriver.none { logFileBytes = 0 }
    }
}
