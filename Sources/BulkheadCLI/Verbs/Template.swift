import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import JSON
import Linux
import Monitor
import Pod
import Templates

/// `bulkhead template …`: the saved machines that pods begin as clones of.
@EventLoop enum TemplateVerbs {
    nonisolated static let list = Command(
        "ls", "List templates",
        description:
            "CURRENT says whether a pod that asks for nothing begins with it: another one is of another size, or was "
            + "made with another kernel, agent, QEMU or host kernel.",
        options: [
            Option("quiet", short: "q", .flag, "Only ids"), Option("no-trunc", .flag, "Whole ids"), ListFormat.option,
        ])

    nonisolated static let build = Command(
        "build", "Make a template, unless there is one",
        description:
            "Boots a machine and saves it, which the first start of a pod does by itself in the background. It is for pods "
            + "of any memory: a clone begins with guest.memory of the configuration and is given the rest. Pods of up to 2, "
            + "8 and 32 processors have a template each.",
        options: [Option("cpus", .value("NUMBER"), "For pods whose containers ask for so many together")])

    nonisolated static let remove = Command(
        "rm", "Remove templates",
        description:
            "Pods that have begun with one go on. The next pod's start makes it anew, unless template.enabled of the "
            + "configuration is false.",
        operands: [Operand("TEMPLATE", .any)],
        options: [Option("all", short: "a", .flag, "All of them")])

    nonisolated static let inspect = Command(
        "inspect", "Show all that is known of templates, as JSON",
        operands: [Operand("TEMPLATE", .atLeastOne)])

    static func list(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        let format = try ListFormat(arguments)
        let store = host.templates
        let current = try? host.currentTemplate()
        let whole = arguments.flag("no-trunc")
        var table = TextTable(["TEMPLATE ID", "MEMORY", "CPUS", "SIZE", "CREATED", "MACHINES", "CURRENT"])
        var lines: [String] = []
        for id in try ids(in: store) {
            let shownID = whole ? id : String(id.prefix(12))
            lines.append(shownID)
            let isCurrent = id == current
            let users = store.users(of: id)
            do {
                let header = try store.header(id)
                table.add([
                    shownID, "\(header.memoryMiB)MiB", "\(header.vCPUs)",
                    HumanSize.decimal(UInt64(clamping: header.memoryUsedBytes)),
                    Elapsed.text(WallClock.now - header.createdAt) + " ago", "\(users)", isCurrent ? "yes" : "no",
                ])
                if format == .json { lines[lines.count - 1] = json(header, users, isCurrent).serialized }
            } catch {
                table.add([shownID, "", "", "", "\(error)"])
                if format == .json {
                    lines[lines.count - 1] =
                        JSONValue.members(["ID": .string(id), "Problem": .string("\(error)")]).serialized
                }
            }
        }
        let isTable = format == .table && !arguments.flag("quiet")
        let text = isTable ? table.text : lines.map { $0 + "\n" }.joined()
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
        return 0
    }

    private static func json(_ header: TemplateHeader, _ users: Int, _ isCurrent: Bool) -> JSONValue {
        .members([
            "ID": .string(header.key.id), "MemoryMiB": .number("\(header.memoryMiB)"),
            "CPUs": .number("\(header.vCPUs)"), "Size": .number("\(header.memoryUsedBytes)"),
            "CreatedAt": .number("\(header.createdAt)"), "Machines": .number("\(users)"), "Current": .bool(isCurrent),
        ])
    }

    static func build(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        guard host.configuration.template.enabled else {
            throw CLIError("template.enabled of the configuration is false: no pod would begin with it")
        }
        let asked = ResourceRequest(nanoCPUs: try RunOptions.nanoCPUs(arguments))
        let configuration = try host.monitorConfiguration("", size: host.machineSize(pod: asked, containers: []))
        let header = try await TemplateBuilder.build(configuration, launcher: host.launcher)
        try say(header.key.id)
        return 0
    }

    static func remove(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        let store = host.templates
        let all = arguments.flag("all")
        guard all != !arguments.operands.isEmpty else {
            throw CLIError("name templates, or give --all", exitCode: CLIError.notRun)
        }
        var code: Int32 = 0
        for name in all ? try ids(in: store) : arguments.operands {
            do {
                let id = try find(name, in: store)
                try store.remove(id)
                try say(id)
            } catch {
                tell("\(error)")
                code = CLIError.failed
            }
        }
        return code
    }

    static func inspect(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        let store = host.templates
        let current = try? host.currentTemplate()
        var code: Int32 = 0
        var found: [JSONValue] = []
        for name in arguments.operands {
            do {
                let id = try find(name, in: store)
                let header = try store.header(id)
                var text = json(header, store.users(of: id), id == current)
                text.append([
                    "Path": .string(store.path(id)), "MemoryDigest": .string(header.memory.digest),
                    "StateDigest": .string(header.state.digest), "StateSize": .number("\(header.state.sizeBytes)"),
                    "BuildMilliseconds": .number("\(header.buildMilliseconds)"),
                    "MadeWith": .object(header.key.inputs.map { JSONMember(key: $0.name, value: .string($0.value)) }),
                ])
                found.append(text)
            } catch {
                tell("\(error)")
                code = CLIError.failed
            }
        }
        try say(JSONValue.array(found).indented)
        return code
    }

    private static func ids(in store: TemplateStore) throws -> [String] {
        try TemplateStorageError.of(store.directory) { try store.ids() }
    }

    /// The whole id of one that is there.
    private static func find(_ name: String, in store: TemplateStore) throws -> String {
        let found = try ids(in: store).filter { !name.isEmpty && $0.hasPrefix(name) }
        guard found.count <= 1 else { throw CLIError("\(found.count) templates have ids that begin with \(name)") }
        guard let id = found.first else { throw CLIError("no template \(name)") }
        return id
    }
}

extension JSONValue {
    /// Adds members to an object.
    fileprivate mutating func append(_ more: KeyValuePairs<String, JSONValue>) {
        guard case .object(let members) = self else { return }
        self = .object(members + more.map { JSONMember(key: $0.key, value: $0.value) })
    }
}

extension Host {
    var templates: TemplateStore { TemplateStore(directory: templateDirectory) }

    /// The id of the template that a pod begins with that asks for nothing.
    func currentTemplate() throws -> String {
        try TemplateBuilder.key(monitorConfiguration("", size: machineSize(containers: []))).id
    }
}
