import Linux

/// Files with several names that are in the archive by one of them, so that the next is a link to it.
struct SeenLinks {
    /// Files that are remembered at a time. Those beyond are packed once more for each name.
    static let maximumFiles = 100_000

    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: FileStatus) {
            device = status.device
            inode = status.inode
        }
    }
    private struct Seen {
        let path: [UInt8]
        /// Names that have not been met.
        var others: UInt64
    }
    private var files: [Identity: Seen] = [:]

    /// The name by which a file is in the archive already.
    mutating func path(of status: FileStatus) -> [UInt8]? {
        guard status.links > 1 else { return nil }
        let identity = Identity(status)
        guard let seen = files[identity] else { return nil }
        // After its last name, it is forgotten.
        files[identity] = seen.others > 1 ? Seen(path: seen.path, others: seen.others - 1) : nil
        return seen.path
    }

    mutating func remember(_ status: FileStatus, as path: [UInt8]) {
        guard status.links > 1, files.count < Self.maximumFiles else { return }
        files[Identity(status)] = Seen(path: path, others: status.links - 1)
    }
}
