import AgentAPI
import Container
import EventLoop
import Linux
import TTRPC

/// Directories of the host that containers have as copies.
extension Containers {
    func project(_ request: ProjectRequest) throws {
        let (container, name) = (request.container, request.name)
        try Self.checkName(container)
        try Self.checkName(name)
        guard request.begins else {
            guard let directory = projections[container]?[name] else {
                throw TTRPCStatus(.notFound, "container \(container) has no projection \(name)")
            }
            return try Self.translating { () throws(ContainerError) in try directory.become(request.snapshot) }
        }
        let others = projections[container]?.filter { $0.key != name } ?? [:]
        guard others.count < ProjectRequest.maximumPerContainer else {
            throw TTRPCStatus(.resourceExhausted, "container \(container) has \(others.count) projections")
        }
        let place = ProjectRequest.place(of: name, in: container)
        try Self.translating { () throws(ContainerError) in
            let directory = try ProjectedDirectory(at: place)
            try directory.become(request.snapshot)
            projections[container, default: [:]][name] = directory
        }
    }

    func unproject(_ container: String) throws {
        try Self.checkName(container)
        projections[container] = nil
        do {
            // Also what is left of one that did not come into being.
            try Files.removeTree(ProjectRequest.parent + "/" + container)
        } catch {
            throw TTRPCStatus(.failedPrecondition, "\(error)")
        }
    }
}
