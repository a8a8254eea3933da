import Linux
import OCI
import SpecTranslation
import TaskAPI

/// An engine's /dev/shm, which it has made on the host for one container or several: in the machine it is a tmpfs of the
/// same size, so that it is memory there, and shared by those containers that have the same of the host.
struct EngineSharedMemory {
    /// On the host.
    let source: String
    /// Its size.
    let bytes: Int64
}

extension Sandbox {
    private static let place = "/dev/shm"

    /// Where in the guest what is bound at /dev/shm is: the pod's when it is of its first container, or the same of the
    /// host as that one's. Any other becomes the container's own mount. Nil when nothing of an engine's is bound there.
    func placeSharedMemory(
        in mounts: inout [RuntimeSpec.Mount]?, for container: String
    ) throws -> (source: String, place: String)? {
        guard var all = mounts, let index = all.lastIndex(where: { $0.destination == Self.place }),
            let bind = all[index].bind,
            // Who binds the host's own means that.
            bind.source != Self.place,
            let bytes = try share.temporaryBytes(at: bind.source)
        else { return nil }
        let memory = EngineSharedMemory(source: bind.source, bytes: bytes)
        if container == state.first { sharedMemory = memory }
        guard memory.source != sharedMemory?.source else { return (bind.source, PauseContainer.sharedMemory) }
        let options = (all[index].options ?? []).filter { !["bind", "rbind"].contains($0) }
        (all[index].type, all[index].source) = ("tmpfs", "shm")
        all[index].options = options + memory.options
        mounts = all
        return nil
    }

    /// Makes the pod's, before its first container.
    func makeSharedMemory(for container: String) async throws {
        guard container == state.first, let sharedMemory else { return }
        try await guest.mount(
            "shm", on: PauseContainer.sharedMemory, type: "tmpfs", EngineSharedMemory.flags,
            data: sharedMemory.options.joined(separator: ","))
    }
}

extension EngineSharedMemory {
    /// As every engine mounts it.
    static let flags: Linux.MountFlags = [.noSetUID, .noDevices, .noExecute]

    var options: [String] { ["mode=1777", "size=\(bytes)"] }
}
