import EventLoop
import Linux

/// A directory of one operation below the store: what is written there becomes part of the store by a rename, or goes
/// with the directory. It is locked as long as its process lives, so that others know what a killed one has left.
@EventLoop final class Workplace {
    nonisolated let path: String
    private let hold: OwnedFD

    /// Where a helper writes or reads a layout, and a root file system.
    nonisolated var layout: String { path + "/layout" }
    nonisolated var unpack: String { path + "/unpack" }
    /// The root file system in `unpack`.
    nonisolated var rootfs: String { unpack + "/rootfs" }
    nonisolated var scratch: String { path + "/scratch" }
    /// Always empty here: a helper's root is mounted over it in the helper's namespace.
    nonisolated var emptyDirectory: String { path + "/root" }
    /// What is to be removed.
    nonisolated var discarded: String { path + "/discarded" }

    /// Makes one. The caller has the store's lock, so that nobody takes it for an abandoned one before it is locked.
    init(in parent: String) throws(SystemCallError) {
        let digits = try Identity.randomBytes(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        path = parent + "/" + digits.joined()
        try Files.makeDirectory(path, mode: 0o700)
        hold = try Files.open(path, .directory)
        guard try Files.lock(hold, wait: false) else { throw SystemCallError("flock", path, code: ErrorNumber.again) }
        for name in [layout, unpack, scratch, emptyDirectory, discarded] {
            try Files.makeDirectory(name, mode: 0o700)
        }
    }

    /// Takes over one whose process has died; nil when it lives.
    private init?(abandoned path: String) {
        // It may have gone meanwhile, which is just as well.
        guard let hold = try? Files.open(path, [.directory, .noFollow]),
            let isFree = try? Files.lock(hold, wait: false), isFree
        else { return nil }
        self.path = path
        self.hold = hold
    }

    /// Those that killed processes have left in `parent`.
    static func abandoned(in parent: String) -> [Workplace] {
        // Without a listing nothing is found, and the next one tries again.
        ((try? Files.names(in: parent)) ?? []).compactMap { Workplace(abandoned: parent + "/" + $0) }
    }

    /// Removes it with all that is in it.
    func remove() {
        // What cannot be removed is tried again by the next operation, as one that was abandoned.
        try? Files.removeTree(path)
    }
}
