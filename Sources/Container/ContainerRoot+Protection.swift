import Linux

/// What a container must not read or write although it is mounted. From outside its root: the guest's own /dev/null and
/// /proc are used, never the container's.
extension ContainerRoot {
    /// Covers a file with /dev/null, a directory with an empty read-only tmpfs. Nothing there is fine.
    borrowing func mask(_ path: String) throws(ContainerError) {
        try stage("mask \(path)") { () throws(SystemCallError) in
            guard let target = try placeIfThere(path) else { return }
            if try target.status().kind == .directory {
                try target.withPath { path throws(SystemCallError) in
                    try Mounts.mount("tmpfs", on: path, type: "tmpfs", .readOnly, data: "nr_blocks=1,nr_inodes=1")
                }
            } else {
                let null = try Mounts.clone(try Files.open("/dev/null", .path), recursive: false, named: "/dev/null")
                try Mounts.attach(null, at: target, named: path)
            }
        }
    }

    /// Makes a path and all that is mounted below read-only. Nothing there is fine.
    borrowing func protect(_ path: String) throws(ContainerError) {
        try stage("make \(path) read-only") { () throws(SystemCallError) in
            guard let target = try placeIfThere(path) else { return }
            let copy = try Mounts.clone(target, recursive: true, named: path)
            try Mounts.setAttributes(copy, set: .readOnly, recursive: true, named: path)
            try Mounts.attach(copy, at: target, named: path)
        }
    }

    private borrowing func placeIfThere(_ path: String) throws(SystemCallError) -> OwnedFD? {
        do {
            return try place(path)
        } catch {
            guard error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory else { throw error }
            return nil
        }
    }
}
