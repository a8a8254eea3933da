import CommandTree
import EventLoop
import FrontEnd
import Linux
import TTRPC

/// `bulkhead-runtime`: runc's command line, for container engines.
public enum OCIRuntimeCLI {
    public static let programName = RuntimeTree.name

    /// Runs the command that the process's arguments ask for. Never returns.
    /// - Parameter version: of Bulkhead.
    public static func main(version: String) -> Never {
        CurrentProcess.openMissingStandardStreams()
        var log = RuntimeLog()
        do {
            try ignoreSignal(13)
            CurrentProcess.exit(try run(Array(CommandLine.arguments.dropFirst()), version, &log))
        } catch {
            log.fail(message(error))
            CurrentProcess.exit((error as? RuntimeError)?.exitCode ?? 1)
        }
    }

    private static func run(_ arguments: [String], _ version: String, _ log: inout RuntimeLog) throws -> Int32 {
        let invocation: Invocation
        switch try RuntimeTree.root.parse(arguments) {
        case .help(let path, let wasAskedFor):
            let text = RuntimeTree.root.helpText(for: path, width: 100)
            try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
            // As runc, which shows its help when it is called without a verb.
            return wasAskedFor || path.isEmpty ? 0 : 1
        case .invoke(let asked): invocation = asked
        }
        guard let verb = invocation.path.last.flatMap(RuntimeVerb.init) else {
            try write("\(RuntimeTree.name) version \(version)\nspec: \(Features.specificationVersion)\n")
            return 0
        }
        let given = invocation.arguments
        log.path = given.value("log") ?? ""
        if let name = given.value("log-format"), !name.isEmpty {
            guard let format = RuntimeLog.Format(rawValue: name) else {
                throw RuntimeError("invalid log-format: \(name)")
            }
            log.format = format
        }
        let context = try RuntimeContext(given, log)
        switch verb {
        case .features: return try Features.run()
        case .spec: return try SpecVerb.run(given)
        case .checkpoint, .restore:
            throw RuntimeError("\(verb.rawValue) is not supported: virtual machines are not saved and restored")
        default: break
        }
        let code = EventLoop.run { () async -> Result<Int32, any Error> in
            do {
                return .success(try await run(verb, context, given))
            } catch {
                return .failure(error)
            }
        }
        return try code.get()
    }

    @EventLoop private static func run(
        _ verb: RuntimeVerb, _ context: RuntimeContext, _ arguments: ParsedArguments
    ) async throws -> Int32 {
        switch verb {
        case .create: try await CreateVerb.create(context, arguments)
        case .run: try await RunVerb.run(context, arguments)
        case .start: try await StartVerb.run(context, arguments)
        case .state: try StateVerb.run(context, arguments)
        case .kill: try await KillVerb.run(context, arguments)
        case .delete: try await DeleteVerb.run(context, arguments)
        case .exec: try await ExecVerb.run(context, arguments)
        case .ps: try await PsVerb.run(context, arguments)
        case .list: try ListVerb.run(context, arguments)
        case .events: try await EventsVerb.run(context, arguments)
        case .pause: try await PauseVerb.pause(context, arguments)
        case .resume: try await PauseVerb.resume(context, arguments)
        case .update: try await RuntimeUpdate.run(context, arguments)
        case .spec, .features, .checkpoint, .restore: 1  // They need no event loop.
        }
    }

    /// What is said of an error.
    static func message(_ error: any Error) -> String {
        switch error {
        case let status as TTRPCStatus: status.message
        default: "\(error)"
        }
    }

    static func write(_ text: String) throws {
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
    }
}
