import AgentAPI
import EventLoop
import GuestLink
import TaskAPI

/// What goes in and out of containers beside their processes' own streams.
extension Sandbox {
    /// Joins somebody's streams to the container's first process.
    func attach(_ request: AttachRequest) throws {
        let main = try container(request.id).main
        let descriptors = try handOver.claim(stdin: request.stdin, stdout: request.stdout, stderr: request.stderr)
        guard main.state.end == nil else {
            throw SandboxError(.failedPrecondition, "container \(request.id) is not running")
        }
        main.streams.attach(descriptors)
        emit("attach", try container(request.id))
    }

    func pathStatus(_ request: ContainerPathRequest) async throws -> ContainerPathResponse {
        let found = try await guest.fileStatus(
            FileStatusRequest(
                container: try fileOwner(request.id), path: request.path, followsLink: request.followsLink))
        switch found.kind {
        case .missing: return ContainerPathResponse(kind: .missing)
        case .directory: return ContainerPathResponse(kind: .directory)
        case .symlink: return ContainerPathResponse(kind: .symlink, link: found.link)
        case .other: return ContainerPathResponse(kind: .other)
        }
    }

    func copyFrom(_ request: CopyFromRequest) async throws -> CopyResult {
        let descriptors = try handOver.claim(stdin: "", stdout: request.stdout, stderr: "")
        let stream = try guest.link.open(forBulk: true)
        let passage = OutputPassage(stream, to: descriptors.output, log: nil, isError: false)
        var pack = PackRequest()
        defer { passage.close() }
        (pack.container, pack.path) = (try fileOwner(request.id), request.path)
        (pack.followsLink, pack.name, pack.stream) = (request.followsLink, request.name, stream.id)
        passage.start()
        let copied = try await guest.pack(pack)
        try await passage.waitForEnd()
        return CopyResult(copied)
    }

    func copyTo(_ request: CopyToRequest) async throws -> CopyResult {
        let descriptors = try handOver.claim(stdin: request.stdin, stdout: "", stderr: "")
        guard let source = descriptors.input else {
            throw SandboxError(.invalidArgument, "a copy without an archive")
        }
        let stream = try guest.link.open()
        let passage = InputPassage(from: source, to: stream, finishes: true)
        defer { passage.close() }
        var unpack = UnpackRequest()
        (unpack.container, unpack.path) = (try fileOwner(request.id), request.path)
        (unpack.keepsOwners, unpack.stream) = (request.keepsOwners, stream.id)
        passage.start()
        return CopyResult(try await guest.unpack(unpack))
    }

    /// The pause container has no files that are anybody's.
    private func fileOwner(_ id: String) throws(SandboxError) -> String {
        let container = try container(id)
        guard !container.bundle.isEmpty else {
            throw SandboxError(.failedPrecondition, "the pause container has no files")
        }
        return container.id
    }
}

extension CopyResult {
    fileprivate init(_ copied: CopyResponse) {
        self.init()
        // The guest's words.
        let most = UInt64(Int32.max)
        (entries, skipped) = (min(copied.entries, most), min(copied.skipped, most))
        contentBytes = min(copied.contentBytes, UInt64(Int64.max))
    }
}

extension Sandbox {
    /// Joins a socket with a connection to a port of the pod's network.
    func forward(_ request: PortForwardRequest) async throws {
        let descriptors = try handOver.claim(stdin: request.socket, stdout: "", stderr: "")
        guard let socket = descriptors.input else { throw SandboxError(.invalidArgument, "no socket is named") }
        guard let first = state.first, case .ready = state.phase else {
            socket.close()
            throw SandboxError(.failedPrecondition, "the pod is not running")
        }
        do {
            let stream = try guest.link.open(forBulk: true)
            do {
                try await guest.dial(DialRequest(container: first, port: request.port, stream: stream.id))
            } catch {
                stream.reset()
                throw error
            }
            SocketRelay(socket, stream).start()
        } catch {
            socket.close()
            throw error
        }
    }
}
