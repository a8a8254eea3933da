import Linux

/// What a container writes over a shared root: a tmpfs of its own, which stays when its processes have ended, for the next
/// container of that name, and until it is removed.
public struct WritableLayer: Sendable {
    let path: String

    /// Makes `parent`/`name` and mounts the tmpfs there.
    public init(parent: String, name: String, sizeBytes: UInt64) throws(ContainerError) {
        path = parent + "/" + name
        let path = path
        try stage("make the writable layer") { () throws(SystemCallError) in
            try Files.makeDirectories(path, mode: 0o700)
            try Mounts.mount(
                "tmpfs", on: path, type: "tmpfs", [.noDevices, .noSetUID], data: "size=\(sizeBytes),mode=0755")
        }
    }

    /// Takes it away. What still uses it keeps its memory until that is gone.
    public func remove() throws(ContainerError) {
        try stage("remove the writable layer") { () throws(SystemCallError) in
            try Mounts.unmount(path, detach: true)
            try Files.removeDirectory(path)
        }
    }

    /// Mounts it over `lower`, in this process's mount namespace, and returns where.
    static func mount(_ path: String, over lower: borrowing OwnedFD) throws(SystemCallError) -> String {
        if !Files.exists(path + "/upper") {
            for name in ["upper", "work", "merged"] { try Files.makeDirectory(path + "/" + name) }
            try Files.changeMode(path + "/upper", try lower.status().mode)
        }
        // Relative, since a path may hold what overlayfs takes for a separator.
        try changeDirectory(path)
        try Mounts.mount(
            "overlay", on: "merged", type: "overlay",
            data: lower.withRaw { "lowerdir=/proc/self/fd/\($0),upperdir=upper,workdir=work" })
        try changeDirectory("/")
        return path + "/merged"
    }
}
