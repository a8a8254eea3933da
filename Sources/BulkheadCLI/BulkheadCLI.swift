import CommandTree
import EventLoop
import FrontEnd
import Linux
import TTRPC

/// `bulkhead`, the command for people.
public enum BulkheadCLI {
    /// Runs the command that the process's arguments ask for. Never returns.
    public static func main() -> Never {
        _ = begin
        CurrentProcess.openMissingStandardStreams()
        CurrentProcess.exit(run(Array(CommandLine.arguments.dropFirst())))
    }

    /// When this command began, of `MonotonicTime`.
    static let begin = MonotonicTime.now

    private static func run(_ arguments: [String]) -> Int32 {
        do {
            // A reader that has gone is an error of the write, not this command's end with the terminal raw.
            try ignoreSignal(13)
            switch try Verbs.tree.parse(arguments) {
            case .help(let path, let wasAskedFor):
                let text = Verbs.tree.helpText(for: path, width: width)
                guard wasAskedFor else {
                    CurrentProcess.writeError(Array(text.utf8))
                    return CLIError.notRun
                }
                try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
                return 0
            case .invoke(let invocation): return try run(invocation)
            }
        } catch {
            return exitCode(telling: error)
        }
    }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        // The one option that replaces a verb.
        guard !invocation.path.isEmpty else {
            try say(Version.text)
            return 0
        }
        guard let verb = Verbs.all.first(where: { $0.path == invocation.path }) else {
            preconditionFailure("no verb \(invocation.path)")  // The tree and the table come from one list.
        }
        guard !verb.looksAtPods || CurrentProcess.user == 0 else {
            throw CLIError("this takes root: use sudo, for instance", exitCode: verb.configurationCode)
        }
        let host: Host
        do {
            host = try Host(invocation.arguments)
            if verb.looksAtPods { try host.checkDirectories() }
        } catch {
            return exitCode(telling: error, of: verb)
        }
        return EventLoop.run {
            do {
                if verb.looksAtPods { host.sweepTelling() }
                return try await verb.run(host, invocation.arguments)
            } catch {
                return exitCode(telling: error, of: verb)
            }
        }
    }

    /// The one place where an error becomes a line and an exit code.
    private static func exitCode(telling error: any Error, of verb: Verbs.Verb? = nil) -> Int32 {
        let code = verb?.failureCode ?? CLIError.failed
        switch error {
        case let error as UsageError:
            tell("\(error)")
            return CLIError.notRun
        case let failure as ContainerStart.Failure:
            tell(failure.error.description)
            return failure.error.exitCode
        case let error as CLIError:
            tell(error.description)
            return error.exitCode
        case let problem as HostProblem:
            tell(problem.description)
            return verb?.configurationCode ?? code
        case let status as TTRPCStatus:
            tell(status.message)
            return code
        // A reader that has had enough, as `head` has.
        case let error as SystemCallError where error.call == "write" && error.code == ErrorNumber.brokenPipe:
            return CLIError.failed
        default:
            tell("\(error)")
            return code
        }
    }

    private static var width: Int {
        guard let output = try? CurrentProcess.standardStream(1), let size = try? Terminal.size(output) else {
            return 80
        }
        return min(max(Int(size.columns), 40), 120)
    }
}
