import EventLoop
import Linux
import Pod
import PodDirectory
import TTRPC
import TaskAPI

/// What helps to find out why a pod does not do what it should, while it lives and after it has failed.
extension Sandbox {
    func debugInfo() -> DebugInfoResponse {
        var response = DebugInfoResponse()
        (response.console, response.errors) = guest.lastLines()
        response.timings = timings.steps.map {
            .init(step: $0.step.rawValue, milliseconds: $0.milliseconds, microseconds: $0.nanoseconds / 1000)
        }
        (response.milliseconds, response.begin, response.origin) = (timings.now, timings.begin, origin)
        response.phase = "\(state.phase)"
        return response
    }

    /// What the machine began as, for people.
    private var origin: String {
        guard guest.isClone else { return "one that was booted" + (noClone.map { " (\($0))" } ?? "") }
        return wasSpare ? "a spare" : "a clone of a template"
    }

    /// Keeps what is known of a pod that failed without anybody wanting its end. The first failure is the one that counts.
    func keepFailure(_ reason: String) {
        guard let failed, !failureIsKept, !wasShutDown, !isShuttingDown, isPod else { return }
        // A spare that its pod has not come to have: another machine is started for that.
        guard !wasSpare || state.phase != .unassigned else { return }
        failureIsKept = true
        var pod = FailedPod(id: id, at: WallClock.now, reason: reason, timings: timings.kept)
        // Those that nobody has given a name.
        let known = Set(members.map(\.id))
        let others = containers.keys.filter { !known.contains($0) }.sorted().map { FailedPod.Member(id: $0, name: "") }
        (pod.members, pod.arguments) = (members + others, arguments)
        (pod.console, pod.errors) = guest.lastLines()
        do {
            try failed.keep(pod)
        } catch {
            warn("nothing is kept of the pod's failure: \(error)")
        }
    }

    /// As `keepFailure`, of the pod's first container, unless what was asked for cannot be: a program that is not there.
    func keepFailedStart(_ error: any Error) {
        let code = (error as? SandboxError)?.code ?? (error as? TTRPCStatus)?.code ?? .internal
        switch code {
        case .notFound, .permissionDenied, .invalidArgument, .unimplemented, .alreadyExists, .failedPrecondition,
            .aborted:
            return
        default: keepFailure("the first container could not be started: \(error)")
        }
    }
}

extension Timings {
    var kept: [FailedPod.Timing] { steps.map { .init(step: $0.step.rawValue, milliseconds: $0.milliseconds) } }
}
