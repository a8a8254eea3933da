import Cgroups
import EventLoop
import HostSide
import Linux
import OCI
import Pod
import TaskAPI

/// A process of a container as containerd knows it.
@EventLoop final class ShimProcess {
    /// As containerd has named them.
    let stdin: String, stdout: String, stderr: String
    let isTerminal: Bool
    let streams: ShimStreams
    /// Fulfilled when its end has been told.
    nonisolated let exit = Promise<WaitResponse>()
    /// While it is being started: its end is told after that.
    var start: Promise<Void>?

    init(_ stdin: String, _ stdout: String, _ stderr: String, isTerminal: Bool, _ streams: ShimStreams) {
        (self.stdin, self.stdout, self.stderr, self.streams) = (stdin, stdout, stderr, streams)
        self.isTerminal = isTerminal
    }

    /// Ends the waiting for a process that no event tells of. One whose end is known has that.
    func endUntold(status: UInt32) {
        var end = WaitResponse()
        (end.exitStatus, end.exitedAt) = (status, Timestamp(nanoseconds: WallClock.now))
        exit.fulfil(end)
    }
}

/// A container as containerd knows it, with what it has on the host.
@EventLoop final class ShimContainer {
    let bundle: String
    let main: ShimProcess
    var execs: [String: ShimProcess] = [:]
    var record: ShimRecord
    /// The pod's, as its engine says.
    let isSandbox: Bool
    /// containerd knows that memory has run out.
    var hasToldOutOfMemory = false
    /// What it asks of its machine.
    var request: ResourceRequest

    init(_ record: ShimRecord, bundle: String, main: ShimProcess, request: ResourceRequest, isSandbox: Bool) {
        (self.record, self.bundle, self.main, self.request) = (record, bundle, main, request)
        self.isSandbox = isSandbox
    }

    var id: String { record.id }
    /// What containerd is told of all of its processes: that of the proxy, which is the one on the host.
    var pid: UInt32 { UInt32(record.pid) }
    var member: ShimMember { ShimMember(record) }
}

/// A container of the pod, for those that join it.
struct ShimMember: PodMember {
    let id: String
    let pid: Int32
    let pod: String
    let annotations: [String: String]

    init(_ record: ShimRecord) {
        (id, pid, pod, annotations) = (record.id, record.pid, record.pod, record.annotations)
    }
}
