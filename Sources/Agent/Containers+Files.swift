import AgentAPI
import Container
import EventLoop
import GuestLink
import Linux
import TTRPC

/// Copies out of containers and into them.
extension Containers {
    func fileStatus(_ request: FileStatusRequest) async throws -> FileStatusResponse {
        let container = try container(request.container)
        return try await translating { () throws(ContainerError) in try await container.status(request) }
    }

    func pack(_ request: PackRequest, _ streams: Streams) async throws -> CopyResponse {
        let container = try container(request.container)
        return try await copy(streams) { made throws(ContainerError) in
            try await container.pack(request, streams: streams.standard, made: made)
        }
    }

    func unpack(_ request: UnpackRequest, _ streams: Streams) async throws -> CopyResponse {
        let container = try container(request.container)
        return try await copy(streams) { made throws(ContainerError) in
            try await container.unpack(request, streams: streams.standard, made: made)
        }
    }

    private static let tidyingLimit: Duration = .seconds(1)

    private func copy(
        _ streams: Streams,
        _ body: ((WatchedProcess) -> Void) async throws(ContainerError) -> CopyResponse
    ) async throws -> CopyResponse {
        var pumps = Pumps()
        defer { pumps.input?.close() }
        return try await translating { () throws(ContainerError) in
            try await body { process in
                streams.processWasMade()
                do {
                    pumps = try streams.pump(terminal: nil)
                } catch {
                    return process.signal(Self.kill)
                }
                let input = pumps.input
                // Nobody is left for whom it is done. Both come at the end, too.
                for broken in [pumps.output?.isUnread, pumps.input?.isBroken].compactMap({ $0 }) {
                    Task { @EventLoop in
                        _ = try? await broken.value()  // Never cancelled.
                        // The end of an archive that is not its end: what has half come is taken away again.
                        input?.close()
                        _ = try? await within(Self.tidyingLimit, waitingFor: "its end") {
                            try await process.exit.value()
                        }
                        process.signal(Self.kill)
                    }
                }
            }
        }
    }

    private func translating<R>(_ body: () async throws(ContainerError) -> R) async throws -> R {
        do {
            return try await body()
        } catch {
            throw Self.status(error)
        }
    }
}
