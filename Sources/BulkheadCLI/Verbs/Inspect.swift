import Calendar
import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import JSON
import Linux
import OCI
import Pod
import PodDirectory

/// `bulkhead inspect`: all that is known of containers, in docker's form as far as it goes.
@EventLoop enum Inspect {
    nonisolated static let command = Command(
        "inspect", "Show all that is known of containers, as JSON",
        description: "State.Pid is the virtual machine on this host, State.GuestPid the container's process within it.",
        group: Verbs.containers,
        operands: [Operand("CONTAINER", .atLeastOne)],
        notYet: [
            UnsupportedOption("format", short: "f", instead: "take the JSON apart, with jq for instance"),
            UnsupportedOption("type", instead: "this is for containers, and bulkhead image inspect for images"),
            UnsupportedOption(
                "size", short: "s", takesValue: false, instead: "what a container writes is in its machine's memory"),
        ])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        var code: Int32 = 0
        var found: [JSONValue] = []
        for reference in arguments.operands {
            do {
                found.append(try await describe(host.store.find(reference), host))
            } catch {
                tell("\(error)")
                code = CLIError.failed
            }
        }
        try say(JSONValue.array(found).indented)
        return code
    }

    static func describe(_ entry: ContainerStore.Entry, _ host: Host) async throws -> JSONValue {
        let record = entry.record
        let path = entry.directory + "/config.json"
        let bytes = try Files.read(path, limit: RuntimeSpec.maximumBytes)
        let spec = try JSONParser.parse(bytes)
        return .members([
            "Id": .string(record.id), "Created": .string(Moment(nanosecondsSince1970: record.createdAt).description),
            "Path": .string(record.command.first ?? ""),
            "Args": .array(record.command.dropFirst().map { .string($0) }),
            "State": state(entry.status, host.paths(record.podID), health: health(entry)),
            "RestartCount": .number("\(entry.status.restarts)"),
            "Image": .string(record.imageID), "Name": .string("/" + record.name),
            "LogPath": .string(record.logFileBytes > 0 ? entry.directory + "/container.log" : ""),
            "Config": .members([
                "Hostname": spec["hostname"] ?? .string(""), "Image": .string(record.image),
                "Tty": .bool(record.terminal), "OpenStdin": .bool(record.interactive),
                "User": .string(record.user), "Env": spec["process"]?["env"] ?? .array([]),
                "Cmd": .array(record.command.map { .string($0) }),
                "WorkingDir": spec["process"]?["cwd"] ?? .string("/"),
                "Labels": .object(
                    record.labels.sorted { $0.key < $1.key }.map { JSONMember(key: $0.key, value: .string($0.value)) }),
                "StopSignal": .string(signalText(record.stopSignal)),
                "StopTimeout": record.stopSeconds.map { .number("\($0)") } ?? .null,
            ]),
            "HostConfig": HostConfig.json(record, try RuntimeSpec.decode(json: bytes)),
            "Pod": record.pod.map { .string($0) } ?? .null,
            "Machine": try await machine(record, host),
            "Mounts": mounts(spec), "Specification": .string(path),
        ])
    }

    /// Numbers that have no name, such as 32, stay numbers.
    nonisolated static func signalText(_ signal: Int32) -> String { SignalName.name(of: signal) ?? "\(signal)" }

    /// Of the one that runs or, of a container that does not run, the one that its pod would have now; nothing for one of
    /// several in a pod, which shows its own.
    private static func machine(_ record: ContainerRecord, _ host: Host) async throws -> JSONValue {
        var size = await host.runningMachine(record.podID)
        if size == nil, record.pod == nil { size = try host.machineSize(containers: [record.request]) }
        guard let size else { return .null }
        return .members([
            "MemoryMiB": .number("\(size.memoryMiB)"), "VCPUs": .number("\(size.vCPUs)"),
            "WritableBytes": .number("\(record.writableBytes)"),
        ])
    }

    /// Nothing where it is not looked after.
    private static func health(_ entry: ContainerStore.Entry) -> JSONValue? {
        guard entry.record.health != nil,
            // It has never been started, or has just been removed.
            let bytes = try? Files.read(entry.directory + "/health.json", limit: 1 << 20),
            let health = try? JSONParser.parse(bytes)
        else { return nil }
        let log = (health["Log"]?.elements ?? []).map { probe -> JSONValue in
            .members([
                "Start": time(probe["Start"]), "End": time(probe["End"]), "ExitCode": probe["ExitCode"] ?? .null,
                "Output": probe["Output"] ?? .null,
            ])
        }
        return .members([
            "Status": health["Status"] ?? .null, "FailingStreak": health["FailingStreak"] ?? .null, "Log": .array(log),
        ])
    }

    private static func time(_ nanoseconds: JSONValue?) -> JSONValue {
        guard case .number(let digits) = nanoseconds, let value = Int64(digits) else { return .null }
        return time(value)
    }

    nonisolated private static func time(_ value: Int64) -> JSONValue {
        .string(value == 0 ? "0001-01-01T00:00:00Z" : Moment(nanosecondsSince1970: value).description)
    }

    nonisolated static func state(
        _ status: ContainerStatus, _ paths: PodDirectory.Paths, health: JSONValue? = nil
    ) -> JSONValue {
        // What on the host is the container: its processes are the guest's.
        let machine = status.isRunning ? PodDirectory.machine(paths) ?? 0 : 0
        let members: KeyValuePairs<String, JSONValue> = [
            "Status": .string(status.stateText), "Running": .bool(status.isRunning),
            "Paused": .bool(status.paused), "Restarting": .bool(status.phase == .restarting),
            "OOMKilled": .bool(status.outOfMemory),
            "Dead": .bool(false), "Pid": .number("\(machine)"), "GuestPid": .number("\(status.pid)"),
            "ExitCode": .number("\(status.exitCode)"),
            "Error": .string(status.error), "StartedAt": time(status.startedAt), "FinishedAt": time(status.finishedAt),
        ]
        let all = members.map { JSONMember(key: $0.key, value: $0.value) }
        return .object(all + (health.map { [JSONMember(key: "Health", value: $0)] } ?? []))
    }

    /// Binds, as docker lists them.
    nonisolated private static func mounts(_ spec: JSONValue) -> JSONValue {
        let binds = (spec["mounts"]?.elements ?? []).filter { $0["type"]?.text == "bind" }
        return .array(
            binds.map { mount in
                let isReadOnly = (mount["options"]?.elements ?? []).contains(.string("ro"))
                return .members([
                    "Type": .string("bind"), "Source": mount["source"] ?? .string(""),
                    "Destination": mount["destination"] ?? .string(""), "RW": .bool(!isReadOnly),
                ])
            })
    }
}
