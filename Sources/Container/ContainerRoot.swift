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

    /// Opens a place that may be missing: then it is made, with its parents, as a directory or an empty file. A symbolic
    /// link that leads to nothing has what it leads to made, within the root.
    borrowing func makePlace(_ path: String, directory wantsDirectory: Bool) throws(SystemCallError) -> OwnedFD {
        do {
            return try place(path)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
        }
        return try makeMissingPlace(path, directory: wantsDirectory)
    }

    /// As `makePlace`, of one that is missing.
    borrowing func makeMissingPlace(_ path: String, directory wantsDirectory: Bool) throws(SystemCallError) -> OwnedFD {
        let names = try resolve(path)
        var parent = "/"
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            let here = parent + name
            do {
                _ = try place(here)
            } catch {
                guard error.code == ErrorNumber.noEntry else { throw error }
                let above = try Files.open(parent, in: directory, [.path, .directory])
                if isLast, !wantsDirectory {
                    try Files.makeFile(name, in: above)
                } else {
                    try Files.makeDirectory(name, in: above)
                }
            }
            parent = here + "/"
        }
        return try place("/" + names.joined(separator: "/"))
    }

    /// The kernel's limit, MAXSYMLINKS.
    private static let linkLimit = 40

    /// The names of a path without links, of which the last ones may be missing. `..` ends at the root.
    private borrowing func resolve(_ path: String) throws(SystemCallError) -> [String] {
        func reversed(_ path: String) -> [String] { path.split(separator: "/").reversed().map(String.init) }
        var rest = reversed(path), resolved: [String] = [], links = 0
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = resolved.popLast()
                continue
            }
            guard let target = try linkTarget("/" + (resolved + [name]).joined(separator: "/")) else {
                resolved.append(name)
                continue
            }
            links += 1
            guard links <= Self.linkLimit else { throw SystemCallError("openat2", path, code: ErrorNumber.loop) }
            if target.hasPrefix("/") { resolved = [] }
            rest += reversed(target)
        }
        return resolved
    }

    /// Nil for what is no symbolic link, or not there.
    private borrowing func linkTarget(_ path: String) throws(SystemCallError) -> String? {
        do {
            let entry = try Files.open(path, in: directory, [.path, .noFollow])
            return try entry.status().kind == .symlink ? entry.linkTarget() : nil
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            return nil
        }
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
