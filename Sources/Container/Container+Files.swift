import AgentAPI
import EventLoop
import Linux

/// The container's files, from outside, while it runs and after its end.
extension Container {
    /// What is at a path.
    public func status(_ request: FileStatusRequest) async throws(ContainerError) -> FileStatusResponse {
        var plan = ContainerFiles.Plan()
        plan.status = request
        return try await perform(plan, nil) { _ in }.status ?? FileStatusResponse()
    }

    /// Packs a tree into `streams.output`, and returns when all of it has been written.
    /// - Parameter made: called with the process that does it: to be killed when nobody reads.
    public func pack(
        _ request: PackRequest, streams: StandardStreams, made: (WatchedProcess) -> Void
    ) async throws(ContainerError) -> CopyResponse {
        var plan = ContainerFiles.Plan()
        plan.pack = request
        return try await perform(plan, streams, made: made).copy ?? CopyResponse()
    }

    /// Unpacks what comes from `streams.input` up to its end.
    public func unpack(
        _ request: UnpackRequest, streams: StandardStreams, made: (WatchedProcess) -> Void
    ) async throws(ContainerError) -> CopyResponse {
        var plan = ContainerFiles.Plan()
        plan.unpack = request
        return try await perform(plan, streams, made: made).copy ?? CopyResponse()
    }

    private func perform(
        _ plan: ContainerFiles.Plan, _ streams: StandardStreams?, made: (WatchedProcess) -> Void
    ) async throws(ContainerError) -> ContainerFiles.Answer {
        try await ContainerFiles.perform(
            plan, in: mountNamespace, streams: streams, runtime: runtime, made: made)
    }
}
