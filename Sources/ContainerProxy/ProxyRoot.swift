import Linux

/// The container's files as far as they are the host's, for those who come to them by way of the proxy: `podman cp`, for
/// instance. What is in the guest's memory only, a tmpfs, is not there.
enum ProxyRoot {
    /// Makes the root file system this process's root, with what of the host is bound into it, and a /proc of its own pid
    /// namespace. The places are the container's, and hostile: nothing leads out of the root.
    static func enter(_ plan: ProxyPlan) throws(SystemCallError) {
        let attributes: MountAttributes = [.noSetUID, .noDevices]
        let root = try Mounts.clone(Files.open(plan.root, .path), recursive: true, named: plan.root)
        try Mounts.setPropagation(root, [.isPrivate, .recursive], named: plan.root)
        try Mounts.setAttributes(root, set: attributes, recursive: true, named: plan.root)
        try Mounts.attach(root, at: Files.open(plan.root, .path), named: plan.root)
        for bind in plan.binds {
            let mount = try Mounts.clone(Files.open(bind.source, .path), recursive: bind.recursive, named: bind.source)
            try Mounts.setPropagation(mount, [.isPrivate, .recursive], named: bind.source)
            try Mounts.setAttributes(
                mount, set: bind.readOnly ? attributes.union(.readOnly) : attributes, recursive: bind.recursive,
                named: bind.source)
            let place = try Files.open(bind.destination, in: root, .path)
            try Mounts.attach(mount, at: place, named: bind.destination)
        }
        try mountProcesses(root)
        try Mounts.pivotRoot(to: plan.root)
    }

    /// An image without /proc has none here either.
    private static func mountProcesses(_ root: borrowing OwnedFD) throws(SystemCallError) {
        let place: OwnedFD
        do throws(SystemCallError) {
            place = try Files.open("/proc", in: root, [.path, .directory])
        } catch {
            guard error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory else { throw error }
            return
        }
        let path = place.withRaw { "/proc/self/fd/\($0)" }
        try Mounts.mount("proc", on: path, type: "proc", [.noSetUID, .noDevices, .noExecute])
    }
}
