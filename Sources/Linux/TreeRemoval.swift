import CLinux
import Glibc

/// Removing trees that somebody else has made: any depth, any bytes in the names, and paths longer than the kernel takes.
extension Files {
    /// Removes a tree without following links or going below a mount point. Nothing there is fine.
    /// - Throws: EXDEV for a mount below; what is not removed by then may have moved up within the tree.
    public static func removeTree(_ path: String) throws(SystemCallError) {
        let top: OwnedFD
        do {
            top = try open(path, [.directory, .noFollow])
        } catch {
            switch error.code {
            case ENOENT: return
            case ENOTDIR, ELOOP: return try remove(path)
            default: throw error
            }
        }
        try refuseMount(Array(path.utf8CString), at: AT_FDCWD)
        var fresh = 0
        while case let names = try entries(of: top), !names.isEmpty {
            for name in names where try unlinkUnlessDirectory(name, in: top) == false {
                try flatten(name, in: top, fresh: &fresh)
            }
        }
        try removeDirectory(path)
    }

    /// Removes the directory `name`; the directories in it become entries of `top`. So no path is ever longer than two
    /// names, and no descriptor is kept per level.
    private static func flatten(
        _ name: [CChar], in top: borrowing OwnedFD, fresh: inout Int
    ) throws(SystemCallError) {
        try top.withRaw { number throws(SystemCallError) in try refuseMount(name, at: number) }
        let number = top.withRaw { openat($0, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        let directory = OwnedFD(owning: try checkErrno(number, errno, "openat", text(name)))
        while case let names = try entries(of: directory), !names.isEmpty {
            for child in names where try unlinkUnlessDirectory(child, in: directory) == false {
                try moveUp(child, from: directory, to: top, fresh: &fresh)
            }
        }
        let result = top.withRaw { unlinkat($0, name, AT_REMOVEDIR) }
        try checkErrno(result, errno, "unlinkat", text(name))
    }

    /// A mount below is somebody else's tree, of the same device perhaps: removing it would empty a volume.
    private static func refuseMount(_ name: [CChar], at directory: CInt) throws(SystemCallError) {
        let kind = try check(bh_entry_kind(directory, name), "statx", text(name))
        guard kind != BH_MOUNT_ROOT.rawValue else { throw SystemCallError("unlinkat", text(name), code: EXDEV) }
    }

    private static func moveUp(
        _ name: [CChar], from directory: borrowing OwnedFD, to top: borrowing OwnedFD, fresh: inout Int
    ) throws(SystemCallError) {
        while true {
            fresh += 1
            let target = "\(fresh)"
            let result = directory.withRaw { from in top.withRaw { renameat(from, name, $0, target) } }
            let code = errno
            // A tree may have such names itself.
            if result < 0, code == EEXIST || code == ENOTEMPTY || code == ENOTDIR { continue }
            // A mount point does not move.
            if result < 0, code == EBUSY { throw SystemCallError("unlinkat", text(name), code: EXDEV) }
            try checkErrno(result, code, "renameat", text(name))
            return
        }
    }

    /// False for a directory, which is left alone.
    private static func unlinkUnlessDirectory(
        _ name: [CChar], in directory: borrowing OwnedFD
    ) throws(SystemCallError) -> Bool {
        let result = directory.withRaw { unlinkat($0, name, 0) }
        let code = errno
        if result < 0, code == EISDIR { return false }
        if result < 0, code == ENOENT { return true }
        try checkErrno(result, code, "unlinkat", text(name))
        return true
    }

    /// Up to 4096 names as they are on disk, each with its NUL.
    private static func entries(of directory: borrowing OwnedFD) throws(SystemCallError) -> [[CChar]] {
        let most = 4096
        // An open file of its own: a duplicate would share its place in the listing.
        let number = directory.withRaw { openat($0, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        try checkErrno(number, errno, "openat", ".")
        guard let stream = fdopendir(number) else {
            let code = errno
            close(number)
            throw SystemCallError("fdopendir", code: code)
        }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        while names.count < most, let entry = readdir(stream) {
            let name = nameBytes(of: entry)
            if name != [46, 0], name != [46, 46, 0] { names.append(name) }
        }
        return names
    }

    private static func text(_ name: [CChar]) -> String {
        String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The name with its NUL; not repaired, so that it names the same file.
    static func nameBytes(of entry: UnsafeMutablePointer<dirent>) -> [CChar] {
        withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
            }
        }
    }
}
