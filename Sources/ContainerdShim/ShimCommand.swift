import Cgroups
import ContainerdAPI
import EventLoop
import FrontEnd
import HostSide
import JSON
import Linux
import MonitorClient
import OCI
import Pod
import Protobuf
import TTRPC
import TaskAPI

/// `containerd-shim-bulkhead-v2`, as containerd calls it: `start` has a pod's monitor begin and says where it is reached,
/// `delete` cleans up after one that was killed.
public enum ShimCommand {
    public static let programName = "containerd-shim-bulkhead-v2"
    public static let runtimeName = "io.containerd.bulkhead.v2"

    /// Runs what the process's arguments ask for. Never returns.
    /// - Parameter version: of Bulkhead.
    public static func main(version: String) -> Never {
        CurrentProcess.openMissingStandardStreams()
        do {
            try ignoreSignal(13)
            try run(try ShimFlags(Array(CommandLine.arguments.dropFirst())), version)
            CurrentProcess.exit(0)
        } catch {
            let text = (error as? TTRPCStatus)?.message ?? "\(error)"
            CurrentProcess.writeError(Array("\(programName): \(text)\n".utf8))
            CurrentProcess.exit(1)
        }
    }

    private static func run(_ flags: ShimFlags, _ version: String) throws {
        if flags.isVersion { return try write(Array("\(programName):\n  Version:  \(version)\n\n".utf8)) }
        if flags.isInfo { return try write(Protobuf.encode(info(version))) }
        guard !flags.namespace.isEmpty else { throw HostSideError("shim namespace cannot be empty") }
        guard let action = flags.action else {
            throw HostSideError("start and delete are what a shim does, and containerd is who asks for it")
        }
        try check(flags.id, "-id")
        try check(flags.namespace, "-namespace")
        let answer = EventLoop.run { () async -> Result<[UInt8], any Error> in
            do {
                switch action {
                case .start: return .success(Array(try await ShimStart(flags).run().utf8))
                case .delete: return .success(try Protobuf.encode(await ShimDeletion(flags).run()))
                }
            } catch {
                return .failure(error)
            }
        }
        try write(answer.get())
    }

    private static func check(_ name: String, _ flag: String) throws(HostSideError) {
        guard ContainerName.isOne(name) else {
            throw HostSideError("\(flag) \"\(name.prefix(200))\" is none: \(ContainerName.rule)")
        }
    }

    private static func info(_ version: String) throws -> RuntimeInfo {
        var info = RuntimeInfo()
        (info.name, info.version) = (runtimeName, RuntimeInfo.Version(version: version))
        let options = try CurrentProcess.standardStream(0).readAll(limit: 1 << 20)
        if !options.isEmpty { info.options = try? Protobuf.decode(ProtobufAny.self, from: options) }
        return info
    }

    private static func write(_ bytes: [UInt8]) throws { try CurrentProcess.standardStream(1).writeAll(bytes) }
}
