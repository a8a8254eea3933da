import ContainerdAPI
import EventLoop
import FrontEnd
import HostSide
import Linux
import MonitorClient
import OCI
import PodDirectory
import RPC
import TaskAPI

/// `delete`: takes away what a container has on the host when its shim could not. Of one that has been deleted, or whose
/// shim goes on without it, there is nothing.
@EventLoop struct ShimDeletion {
    private let bundle: String

    /// How long a part of a pod may take to do what it is told: all together has containerd's five seconds.
    private static let limit: Duration = .seconds(1)
    private static let killedStatus: UInt32 = 137

    init(_ flags: ShimFlags) throws {
        bundle = flags.bundle.isEmpty ? try CurrentProcess.workingDirectory() : flags.bundle
    }

    /// - Returns: what containerd reads: how the container has ended, as far as anybody knows.
    func run() async throws -> DeleteResponse {
        var response = DeleteResponse()
        (response.exitStatus, response.exitedAt) = (Self.killedStatus, Timestamp(nanoseconds: WallClock.now))
        guard let record = try ShimRecord.load(from: bundle) else { return response }
        response.pid = UInt32(clamping: record.pid)
        if record.isFirst {
            try await endPod(record)
        } else if let answer = await deleteByShim(record) {
            return answer
        }
        // The shim has done it meanwhile, or is at it.
        guard Files.exists(bundle + "/" + ShimRecord.fileName) else { return response }
        if let proxy = try? PidFD(record.pid), ProcessTime.lives(record.pid, startedAt: record.startTime) {
            try proxy.signal(9)
        }
        try await record.cgroups.remove()
        if record.isFirst { try Files.remove(record.socket) }
        // Of two that are at it one runs the hooks.
        guard ShimRecord.remove(from: bundle) else { return response }
        do {
            try await runHooks(record)
        } catch {
            // The container is gone; source: runtime-spec, runtime.md, "Lifecycle". containerd tells what is said here.
            CurrentProcess.writeError(Array("\(ShimCommand.programName): \(error)\n".utf8))
        }
        return response
    }

    private func endPod(_ record: ShimRecord) async throws {
        let paths = record.podPaths
        if let client = try? MonitorClient.connect(paths) {
            defer { client.close() }
            try? await client.shutDown(within: Self.limit)
            if (try? await client.waitForEnd(within: Self.limit)) == nil {
                try? client.killMonitor()
                try? await client.waitForEnd(within: Self.limit)
            }
        }
        // The next pod of that name waits for it, too.
        try? await paths.waitForReaper(within: Self.limit)
    }

    /// A member's shim goes on with the rest of the pod, and does whatever there is to do.
    /// - Returns: nil when there is none, or it has not done it.
    private func deleteByShim(_ record: ShimRecord) async -> DeleteResponse? {
        guard let stream = try? AsyncFD(UnixSocket.connect(.stream, path: record.socket, wait: false)) else {
            return nil
        }
        let shim = RPCClient(stream)
        defer { shim.close() }
        var kill = KillRequest(id: record.id, signal: 9)
        kill.all = true
        let process = TaskProcessRequest(id: record.id)
        typealias Method = TaskService.Method
        let _: TaskEmpty? = try? await shim.call(TaskService.name, Method.kill, kill, within: Self.limit)
        for _ in 0..<2 {
            let _: WaitResponse? = try? await shim.call(TaskService.name, Method.wait, process, within: Self.limit)
            if let answer: DeleteResponse = try? await shim.call(
                TaskService.name, Method.delete, process, within: Self.limit)
            {
                return answer
            }
            // With its proxy's end the monitor ends it, too.
            if let proxy = try? PidFD(record.pid), ProcessTime.lives(record.pid, startedAt: record.startTime) {
                try? proxy.signal(9)
            }
        }
        return nil
    }

    private func runHooks(_ record: ShimRecord) async throws {
        guard let hooks = record.hooks.poststop, !hooks.isEmpty else { return }
        let state = try State(record, bundle: bundle, .stopped).encode()
        try await Hooks(state: state, process: 0).run(hooks, "poststop")
    }
}
