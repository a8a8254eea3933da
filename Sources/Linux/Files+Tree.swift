import CLinux
import Glibc

extension Files {
    /// Removes a tree without following links or going below a mount point, whatever others do to its paths meanwhile.
    /// Nothing there is fine.
    /// - Throws: EXDEV for a mount point, which stays with what is above it.
    public static func removeTree(_ path: String) throws(SystemCallError) {
        guard let parent = parent(of: path) else { throw SystemCallError("unlink", path, code: ErrorNumber.invalid) }
        let directory: OwnedFD
        do {
            directory = try open(parent, [.path, .directory])
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            return
        }
        try removeEntry(String(path.dropFirst(parent == "/" ? 1 : parent.count + 1)), in: directory, shown: path)
    }

    private static func removeEntry(
        _ name: String, in directory: borrowing OwnedFD, shown path: String
    ) throws(SystemCallError) {
        let kind = directory.withRaw { bh_entry_kind($0, name) }
        if kind == -ENOENT { return }
        switch bh_entry(UInt32(bitPattern: try check(kind, "statx", path))) {
        case BH_DIRECTORY:
            try removeContents(of: name, in: directory, shown: path)
            try unlink(name, in: directory, removingDirectory: true, shown: path)
        case BH_NO_DIRECTORY: try unlink(name, in: directory, removingDirectory: false, shown: path)
        // A mount below is somebody else's tree: removing it would empty a volume.
        default: throw SystemCallError("unlink", path, code: EXDEV)
        }
    }

    private static func removeContents(
        of name: String, in parent: borrowing OwnedFD, shown path: String
    ) throws(SystemCallError) {
        let number = parent.withRaw { openat($0, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        try checkErrno(number, errno, "open", path)
        let directory = OwnedFD(owning: number)
        for child in try names(in: directory.withRaw { "/proc/self/fd/\($0)" }) {
            try removeEntry(child, in: directory, shown: path + "/" + child)
        }
    }

    private static func unlink(
        _ name: String, in directory: borrowing OwnedFD, removingDirectory: Bool, shown path: String
    ) throws(SystemCallError) {
        let result = directory.withRaw { unlinkat($0, name, removingDirectory ? AT_REMOVEDIR : 0) }
        let code = errno
        if result < 0, code == ENOENT { return }
        try checkErrno(result, code, removingDirectory ? "rmdir" : "unlink", path)
    }
}
