import Calendar
import CommandTree
import JSON
import Linux
import OCI

/// `state` and `list`: what is in a container's directory. No monitor is asked.
enum StateVerb {
    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) throws -> Int32 {
        let container = try context.store.find(arguments.operands[0])
        try OCIRuntimeCLI.write(value(container, context.store.phase(of: container), context.store).indented)
        return 0
    }

    /// What `state` and `list` show, in runc's fields and order.
    static func value(_ container: RuntimeContainer, _ phase: RuntimeStatus, _ store: RuntimeStore) -> JSONValue {
        let pid = phase == .stopped ? 0 : container.pid
        var members: [JSONMember] = [
            JSONMember(key: "ociVersion", value: .string(container.ociVersion)),
            JSONMember(key: "id", value: .string(container.id)), JSONMember(key: "pid", value: .number("\(pid)")),
            JSONMember(key: "status", value: .string(phase.rawValue)),
            JSONMember(key: "bundle", value: .string(container.bundle)),
            JSONMember(key: "rootfs", value: .string(container.rootfs)),
            JSONMember(key: "created", value: .string(Moment(nanosecondsSince1970: container.created).description)),
        ]
        if !container.annotations.isEmpty {
            let sorted = container.annotations.sorted { $0.key < $1.key }
            members.append(
                JSONMember(
                    key: "annotations", value: .object(sorted.map { JSONMember(key: $0.key, value: .string($0.value)) })
                ))
        }
        members.append(JSONMember(key: "owner", value: .string(owner(store.directory(container.id)))))
        return .object(members)
    }

    private static func owner(_ directory: String) -> String {
        // It may just have gone.
        (try? Files.open(directory, .path).status()).map { UserNames.name(of: $0.uid) } ?? ""
    }

    /// What hooks read. Source: runtime-spec, runtime.md, "State".
    static func json(_ container: RuntimeContainer, _ status: State.Status) throws -> [UInt8] {
        var state = State(
            ociVersion: container.ociVersion, id: container.id, status: status, bundle: container.bundle)
        if status != .stopped { state.pid = Int(container.pid) }
        state.annotations = container.annotations
        return try state.encode()
    }
}

/// `list`.
enum ListVerb {
    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) throws -> Int32 {
        let store = context.store
        guard Files.exists(store.root) else { throw RuntimeError("open \(store.root): no such file or directory") }
        var found: [(RuntimeContainer, RuntimeStatus)] = []
        for id in try store.ids() {
            do {
                let container = try store.find(id)
                found.append((container, store.phase(of: container)))
            } catch {
                CurrentProcess.writeError(Array("load container \(id): \(OCIRuntimeCLI.message(error))\n".utf8))
            }
        }
        if arguments.flag("quiet") {
            try OCIRuntimeCLI.write(found.map { $0.0.id + "\n" }.joined())
            return 0
        }
        switch arguments.value("format") ?? "table" {
        case "table": try OCIRuntimeCLI.write(table(found, store))
        case "json":
            let values = found.map { StateVerb.value($0.0, $0.1, store) }
            try OCIRuntimeCLI.write((values.isEmpty ? JSONValue.null : .array(values)).serialized + "\n")
        default: throw RuntimeError("invalid format option")
        }
        return 0
    }

    private static func table(_ found: [(RuntimeContainer, RuntimeStatus)], _ store: RuntimeStore) -> String {
        var rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]]
        for (container, phase) in found {
            let value = StateVerb.value(container, phase, store)
            rows.append([
                container.id, phase == .stopped ? "0" : "\(container.pid)", phase.rawValue, container.bundle,
                value["created"]?.text ?? "", value["owner"]?.text ?? "",
            ])
        }
        return PlainTable.text(rows)
    }
}
