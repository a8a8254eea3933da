import Glibc
import Linux

/// A directory of the host that is written as the kubelet does it, step by step. Source: Kubernetes,
/// pkg/volume/util/atomic_writer.go.
public struct AtomicDirectory: Sendable {
    public let path: String

    /// Makes it, empty.
    public init(at path: String, mode: UInt32 = 0o777) throws {
        self.path = path
        try Files.makeDirectories(path)
        try Files.changeMode(path, mode)
    }

    /// Writes files by their paths in the place of all that there are; what has a `/` is in a directory.
    public func write(_ files: [String: String], stamp: String, mode: UInt32 = 0o644, uid: UInt32 = 0, gid: UInt32 = 0)
        throws
    {
        let old = try? Files.readLink(path + "/..data")
        let new = "..\(stamp)"
        try Files.makeDirectory(path + "/" + new)
        for (name, content) in files {
            let place = path + "/" + new + "/" + name
            if let parent = Files.parent(of: place) { try Files.makeDirectories(parent) }
            try Files.write(Array(content.utf8), to: place)
            let file = try Files.open(place)
            try Files.changeOwner(file, uid: uid, gid: gid)
            try Files.changeMode(file, mode)
        }
        try Files.symlink(new, at: path + "/..data_tmp")
        try Files.rename(path + "/..data_tmp", to: path + "/..data")
        let visible = Set(files.keys.map { String($0.prefix { $0 != "/" }) })
        let there = Set(try Files.names(in: path).filter { !$0.hasPrefix("..") })
        for name in visible.subtracting(there).sorted() { try Files.symlink("..data/" + name, at: path + "/" + name) }
        for name in there.subtracting(visible).sorted() { try Files.remove(path + "/" + name) }
        if let old { try Files.removeTree(path + "/" + old) }
    }
}
