import AgentAPI
import Linux

/// A container's root while its init still sees the guest's file system: paths are resolved within it, whatever the
/// links of an image's author say.
struct ContainerRoot: ~Copyable {
    /// Where it is mounted.
    let path: String
    /// Its topmost directory, of that mount.
    let directory: OwnedFD

    /// Cuts this mount namespace off and mounts the container's root on itself, or with a `WritableLayer` over it.
    static func mount(
        _ spec: RootFileSystem, layer: String, propagation: MountFlags
    ) throws(ContainerError) -> ContainerRoot {
        guard spec.path.hasPrefix("/") else { throw ContainerError("mount the root", "no absolute path: \(spec.path)") }
        // Never shared with the guest: a slave at most, which pivot_root needs too.
        let cut: MountFlags = propagation.contains(.isPrivate) ? .isPrivate : .slave
        let path = try stage("mount the root") { () throws(SystemCallError) in
            try Mounts.setPropagation("/", [cut, .recursive])
            if !layer.isEmpty {
                return try WritableLayer.mount(layer, over: Files.open(spec.path, [.path, .directory]))
            }
            try Mounts.mount(spec.path, on: spec.path, [.bind, .recursive])
            return spec.path
        }
        let directory = try stage("open the root") { () throws(SystemCallError) in
            try Mounts.setPropagation(path, .isPrivate)
            return try Files.open(path, [.path, .directory])
        }
        let root = ContainerRoot(path: path, directory: directory)
        guard spec.files.isEmpty || !layer.isEmpty else {
            throw ContainerError("write \(spec.files[0].path)", "the root is written through")
        }
        for file in spec.files { try root.write(file) }
        return root
    }

    private borrowing func write(_ file: FileSpec) throws(ContainerError) {
        let kind = try stage("write \(file.path)") { () throws(SystemCallError) in
            try makePlace(file.path, directory: false).status().kind
        }
        // A FIFO would keep us waiting for ever.
        guard kind == .regular else {
            throw ContainerError("write \(file.path)", "what the image has there is no regular file")
        }
        try stage("write \(file.path)") { () throws(SystemCallError) in
            let opened = try Files.open(file.path, in: directory, [.writeOnly, .truncate])
            try Files.changeOwner(opened, uid: 0, gid: 0)
            try Files.changeMode(opened, 0o644)
            try opened.writeAll(file.content)
        }
    }

    /// Opens a path of the container as a place (O_PATH), not its content.
    borrowing func place(_ path: String) throws(SystemCallError) -> OwnedFD {
        try Files.open(path, in: directory, .path)
    }

    /// Opens a place that may be missing: `Files.makePlace`.
    borrowing func makePlace(_ path: String, directory wantsDirectory: Bool) throws(SystemCallError) -> OwnedFD {
        try Files.makePlace(path, in: directory, directory: wantsDirectory)
    }

    /// Makes it the root of this process and takes the guest's file system away. The working directory is the root.
    consuming func enter() throws(ContainerError) {
        let path = path
        try stage("enter the root") { () throws(SystemCallError) in try Mounts.pivotRoot(to: path) }
    }
}

extension OwnedFD {
    /// A path of what is open, for calls that take paths only. Good before the guest's /proc is gone.
    borrowing func withPath<R, E: Error>(_ body: (String) throws(E) -> R) throws(E) -> R {
        try withRaw { number throws(E) in try body("/proc/self/fd/\(number)") }
    }
}
