import CommandTree
import FrontEnd
import Linux

/// What every verb knows: where containers are, and what their engine said of itself.
struct RuntimeContext: Sendable {
    let store: RuntimeStore
    let log: RuntimeLog
    /// cgroups are made by systemd.
    let usesSystemd: Bool
    /// Errors of cgroups are none. Nil: when this user may not make any.
    let ignoresCgroups: Bool?

    init(_ arguments: ParsedArguments, _ log: RuntimeLog) throws {
        self.log = log
        usesSystemd = arguments.flag("systemd-cgroup")
        switch arguments.value("rootless") ?? "auto" {
        case "", "auto", "AUTO", "Auto": ignoresCgroups = nil
        case "true", "1", "t", "T", "TRUE", "True": ignoresCgroups = true
        case "false", "0", "f", "F", "FALSE", "False": ignoresCgroups = false
        case let value: throw RuntimeError("--rootless is true, false or auto, not \(value.prefix(80))")
        }
        let root = arguments.value("root").flatMap { $0.isEmpty ? nil : $0 } ?? Self.defaultRoot
        store = RuntimeStore(root: try Self.absolute(root))
    }

    private static var defaultRoot: String {
        guard CurrentProcess.user != 0 || Rootless.current != nil,
            let directory = CurrentProcess.environment("XDG_RUNTIME_DIR"),
            !directory.isEmpty
        else { return RuntimeTree.defaultRoot }
        return directory + "/bulkhead-runtime"
    }

    static func absolute(_ path: String) throws(SystemCallError) -> String {
        path.hasPrefix("/") ? path : try CurrentProcess.workingDirectory() + "/" + path
    }

    /// This host, as it is configured.
    func host() throws -> Host { try Host() }
}
