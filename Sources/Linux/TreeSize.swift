import Glibc

/// How much a tree takes on disk.
public struct TreeSize: Sendable, Equatable {
    /// Allocated bytes; a file with several names in the tree counts once.
    public var bytes: Int64 = 0
    /// Files, directories and everything else.
    public var entries = 0

    /// Nothing.
    public init() {}
}

extension Files {
    /// Measures the tree at `path` without following links. What vanishes meanwhile is not counted; nothing there is 0.
    /// - Throws: ENAMETOOLONG for trees deeper than paths can be, and what the file system says.
    public static func size(ofTree path: String) throws(SystemCallError) -> TreeSize {
        var size = TreeSize()
        var severalNames: Set<UInt64> = []
        var waiting: [[CChar]] = [Array(path.utf8CString)]
        while let directory = waiting.popLast() {
            guard let stream = opendir(directory) else {
                let code = errno
                if code == ENOENT { continue }
                throw SystemCallError("opendir", path, code: code)
            }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = nameBytes(of: entry)
                if name == [46, 0] || name == [46, 46, 0] { continue }
                var status = stat()
                guard fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
                size.entries += 1
                if status.st_mode & S_IFMT == S_IFDIR {
                    waiting.append(directory.dropLast() + [47] + name)
                } else if status.st_nlink > 1, !severalNames.insert(UInt64(status.st_ino)).inserted {
                    continue
                }
                size.bytes += Int64(status.st_blocks) * 512
            }
        }
        return size
    }
}
