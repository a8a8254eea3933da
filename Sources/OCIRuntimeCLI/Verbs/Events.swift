import CommandTree
import EventLoop
import JSON
import MonitorClient
import Protobuf
import TaskAPI

/// `events`: what the container uses, in runc's fields, and that it ran out of memory.
@EventLoop enum EventsVerb {
    static func run(_ context: RuntimeContext, _ arguments: ParsedArguments) async throws -> Int32 {
        let container = try context.store.find(arguments.operands[0])
        let interval: Duration
        do {
            interval = try DurationValue.parse(arguments.value("interval") ?? "5s")
        } catch {
            throw RuntimeError("invalid value for --interval: \(error)")
        }
        guard interval > .zero else { throw RuntimeError("duration interval must be greater than 0") }
        guard container.lives, context.store.phase(of: container) != .stopped else {
            throw RuntimeError("container with id \(container.id) is not running")
        }
        let client = try container.connect()
        defer { client.close() }
        try await client.hello()
        if arguments.flag("stats") {
            try write("stats", container.id, try await statistics(client, container.id))
            return 0
        }
        // Its end comes with what it was, and so does a lack of memory, which ends the container's first process.
        let end = Task { @EventLoop in try await client.wait(container.id) }
        let ticking = Task { @EventLoop in
            while true {
                try await EventLoop.sleep(for: interval)
                try write("stats", container.id, try await statistics(client, container.id))
            }
        }
        defer { ticking.cancel() }
        if (try? await end.value)?.outOfMemory == true { try write("oom", container.id, nil) }
        return 0
    }

    private static func statistics(_ client: MonitorClient, _ id: String) async throws -> JSONValue {
        let response: StatsResponse = try await client.task(TaskService.Method.stats, TaskContainerRequest(id: id))
        guard let any = response.stats else { throw RuntimeError("no statistics of container \(id)") }
        let network = try? await client.usage(within: .seconds(5)).containers.first { $0.id == id }?.network
        let statistics =
            any.typeURL == MetricsV1.typeURL
            ? EventStatistics(try Protobuf.decode(MetricsV1.self, from: any.value))
            : EventStatistics(try Protobuf.decode(MetricsV2.self, from: any.value))
        return statistics.json(network)
    }

    private static func write(_ type: String, _ id: String, _ data: JSONValue?) throws {
        var members = [JSONMember(key: "type", value: .string(type)), JSONMember(key: "id", value: .string(id))]
        if let data { members.append(JSONMember(key: "data", value: data)) }
        try OCIRuntimeCLI.write(JSONValue.object(members).serialized + "\n")
    }
}
