import AgentAPI
import EventLoop
import Linux

/// Small directories that somebody on the host updates: Kubernetes's ConfigMaps, Secrets and tokens.
extension Sandbox {
    /// An update may come while it is read.
    private static let attempts = 3

    /// Where in the guest a copy of it will be, which follows it; nil for what is shared instead.
    func project(_ attachment: Attachment, for container: String) -> String? {
        guard attachment.readOnly else { return nil }
        for _ in 0..<Self.attempts {
            // Whoever shares it tells what is wrong with it.
            guard let directory = try? share.mountOfLinks(at: attachment.source, recursive: attachment.recursive)
            else { return nil }
            do throws(ProjectionSource.Problem) {
                let others = projections[container] ?? []
                guard others.count < ProjectRequest.maximumPerContainer else {
                    throw .refused("its container has \(others.count) others")
                }
                let projection = try Projection(
                    directory, named: attachment.name, of: container, path: attachment.source, watch: projectionWatch)
                projections[container] = others + [projection]
                return projection.place
            } catch {
                switch error {
                case .changed: continue
                case .isNone: return nil
                case .refused(let reason):
                    warn("\(attachment.source) is shared as any other directory, without events: \(reason)")
                    return nil
                }
            }
        }
        return nil
    }

    /// Makes the container's in the guest, before it is created there.
    func beginProjections(of container: String) async throws {
        for projection in projections[container] ?? [] {
            try await projection.begin { [guest] request in try await guest.project(request) }
        }
    }

    /// Takes the container's away.
    func removeProjections(of container: String) async {
        guard let gone = projections.removeValue(forKey: container) else { return }
        for projection in gone { projection.close() }
        guard gone.contains(where: \.hasBegun) else { return }
        switch state.phase {
        case .stopping(.machine), .stopped: return
        case .unassigned, .created, .ready, .stopping: break
        }
        try? await guest.unproject(container)  // What is left goes with the machine.
    }
}
