import ContainerdAPI
import Protobuf
import TaskAPI
import Testing

/// Against the bytes that Python's protobuf makes of containerd's messages.
@Suite struct GoldenTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var encode: @Sendable () throws -> [UInt8]
        var decodesToSame: @Sendable ([UInt8]) throws -> Bool

        init<M: Codable & Equatable & Sendable>(_ name: String, _ hex: String, _ message: M) {
            testDescription = name
            let digits = hex.compactMap(\.hexDigitValue)
            bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
            encode = { try Protobuf.encode(message) }
            decodesToSame = { try Protobuf.decode(M.self, from: $0) == message }
        }
    }

    private static let time = Timestamp(seconds: 1_700_000_000, nanoseconds: 42)

    private static var create: TaskCreate {
        var event = TaskCreate(), mount = TaskMount(), streams = TaskCreate.Streams()
        (mount.type, mount.source, mount.options) = ("overlay", "o", ["lowerdir=/l", "ro"])
        (streams.stdin, streams.stdout, streams.stderr, streams.terminal) = ("/i", "/o", "/e", true)
        (event.containerID, event.bundle, event.rootfs, event.streams) = ("c", "/b", [mount], streams)
        event.pid = 4_000_000_000
        return event
    }

    private static var exit: TaskExit {
        var event = TaskExit()
        (event.containerID, event.id, event.pid, event.exitStatus, event.exitedAt) = ("c", "e", 7, 137, time)
        return event
    }

    private static var delete: TaskDelete {
        var event = TaskDelete()
        (event.containerID, event.pid, event.exitStatus, event.exitedAt, event.id) = ("c", 7, 3, time, "e")
        return event
    }

    private static var options: RuntimeOptions {
        var options = RuntimeOptions()
        (options.typeURL, options.configPath, options.configBody) = ("t", "/p", [1])
        return options
    }

    private static var info: RuntimeInfo {
        var info = RuntimeInfo()
        (info.name, info.version) = ("n", RuntimeInfo.Version(version: "1"))
        (info.options, info.annotations) = (ProtobufAny(typeURL: "t", value: [2]), ["a": "1"])
        return info
    }

    static let rows = [
        Row("TaskCreate", GoldenBytes.create, create),
        Row("TaskStart", GoldenBytes.start, TaskStart(containerID: "c", pid: 7)),
        Row("TaskDelete", GoldenBytes.delete, delete), Row("TaskExit", GoldenBytes.exit, exit),
        Row("TaskOOM", GoldenBytes.oom, TaskOOM(containerID: "c")),
        Row("TaskExecAdded", GoldenBytes.execAdded, TaskExecAdded(containerID: "c", execID: "e")),
        Row("TaskExecStarted", GoldenBytes.execStarted, TaskExecStarted(containerID: "c", execID: "e", pid: 7)),
        Row("runtimeoptions", GoldenBytes.options, options), Row("RuntimeInfo", GoldenBytes.info, info),
    ]

    @Test(arguments: rows) func encodesToTheSameBytes(_ row: Row) throws {
        #expect(try row.encode() == row.bytes)
    }

    @Test(arguments: rows) func decodesToTheSameMessage(_ row: Row) throws {
        #expect(try row.decodesToSame(row.bytes))
    }

    @Test func anEnvelopeHasItsEvent() throws {
        let row = Row(
            "ForwardRequest", GoldenBytes.forward,
            ForwardRequest(try EventEnvelope(Self.exit, at: Self.time, in: "k8s.io")))
        #expect(try row.encode() == row.bytes)
    }
}
