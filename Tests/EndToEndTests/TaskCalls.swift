import EventLoop
import Linux
import MonitorClient
import Protobuf
import TTRPC
import TaskAPI
import Testing

/// The calls of one container.
@EventLoop struct TaskCalls {
    let client: MonitorClient
    let id: String

    init(_ client: MonitorClient, _ id: String) { (self.client, self.id) = (client, id) }

    func pause() async throws {
        let _: TaskEmpty = try await client.task(TaskService.Method.pause, TaskContainerRequest(id: id))
    }

    func resume() async throws {
        let _: TaskEmpty = try await client.task(TaskService.Method.resume, TaskContainerRequest(id: id))
    }

    func state(_ exec: String = "") async throws -> StateResponse {
        try await client.task(TaskService.Method.state, TaskProcessRequest(id: id, execID: exec))
    }

    func pids() async throws -> [ProcessInfo] {
        let response: PidsResponse = try await client.task(TaskService.Method.pids, TaskContainerRequest(id: id))
        return response.processes
    }

    /// In the terms of cgroup v1, whatever the host has.
    func stats() async throws -> MetricsV1 {
        let response: StatsResponse = try await client.task(TaskService.Method.stats, TaskContainerRequest(id: id))
        let stats = try #require(response.stats)
        let isUnified = Files.exists("/sys/fs/cgroup/cgroup.controllers")
        #expect(stats.typeURL == "io.containerd.cgroups.\(isUnified ? "v2" : "v1").Metrics")
        guard isUnified else { return try Protobuf.decode(MetricsV1.self, from: stats.value) }
        let two = try Protobuf.decode(MetricsV2.self, from: stats.value)
        var one = MetricsV1()
        var pids = MetricsV1.Pids(), cpu = MetricsV1.CPU(), memory = MetricsV1.Memory()
        (pids.current, pids.limit) = (two.pids?.current ?? 0, two.pids?.limit ?? 0)
        var usage = MetricsV1.CPU.Usage()
        usage.totalNanoseconds = (two.cpu?.usageMicroseconds ?? 0) * 1000
        cpu.usage = usage
        var entry = MetricsV1.MemoryEntry(), swap = MetricsV1.MemoryEntry()
        (entry.usage, entry.limit) = (two.memory?.usage ?? 0, two.memory?.usageLimit ?? 0)
        swap.limit = entry.limit &+ (two.memory?.swapLimit ?? 0)
        (memory.usage, memory.swap) = (entry, swap)
        (one.pids, one.cpu, one.memory) = (pids, cpu, memory)
        return one
    }

    func update(_ json: String) async throws {
        var request = UpdateTaskRequest()
        request.id = id
        request.resources = ProtobufAny(typeURL: UpdateTaskRequest.resourcesTypeURL, value: Array(json.utf8))
        let _: TaskEmpty = try await client.task(TaskService.Method.update, request)
    }

    func kill(_ signal: UInt32, _ exec: String = "", all: Bool = false) async throws {
        var request = KillRequest()
        (request.id, request.execID, request.signal, request.all) = (id, exec, signal, all)
        let _: TaskEmpty = try await client.task(TaskService.Method.kill, request)
    }

    func delete(_ exec: String = "") async throws {
        let _: DeleteResponse = try await client.task(
            TaskService.Method.delete, TaskProcessRequest(id: id, execID: exec))
    }
}

/// Expects that `body` fails with a status of this code, and returns it.
@EventLoop @discardableResult func expectStatus(
    _ code: TTRPCCode, location: SourceLocation = #_sourceLocation, _ body: @EventLoop () async throws -> Void
) async -> TTRPCStatus? {
    do {
        try await body()
        Issue.record("no error", sourceLocation: location)
    } catch let error as TTRPCStatus {
        #expect(error.code == code, "\(error.message)", sourceLocation: location)
        return error
    } catch {
        Issue.record(error, sourceLocation: location)
    }
    return nil
}
