import Foundation

/// Where the guest's files go. Each appears whole or not at all; `key` comes last and goes first, so that a set that is
/// only half there never passes for complete.
struct OutputDirectory {
    enum File: String, CaseIterable {
        case kernel = "vmlinux"
        case initrd = "initrd.cpio"
        case moduleList = "modules.list"
        case key = "key"
    }

    let path: String

    func create() throws(BuildError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .file(path, doing: "create", because: error.localizedDescription)
        }
    }

    /// Waits until no other call works in this directory. The lock is held while the result is open.
    func lock() throws(BuildError) -> FileHandle {
        let file = path + "/.lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .file(file, doing: "open", because: String(cString: strerror(errno))) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        while flock(descriptor, LOCK_EX) != 0 {
            let code = errno
            guard code == EINTR else { throw .file(file, doing: "lock", because: String(cString: strerror(code))) }
        }
        return handle
    }

    /// Whether all files are there and were made from what `key` says.
    func holds(key: String) -> Bool {
        guard FileManager.default.contents(atPath: location(of: .key)) == Data(key.utf8) else { return false }
        return File.allCases.allSatisfy { FileManager.default.fileExists(atPath: location(of: $0)) }
    }

    func location(of file: File) -> String { path + "/" + file.rawValue }

    /// A name for a file that only the holder of the lock uses.
    func temporary(_ name: String) -> String { path + "/.\(name).new" }

    func remove(_ file: File) throws(BuildError) {
        guard unlink(location(of: file)) == 0 || errno == ENOENT else {
            throw .file(location(of: file), doing: "remove", because: String(cString: strerror(errno)))
        }
    }

    func write(_ bytes: [UInt8], as file: File) throws(BuildError) {
        let (unfinished, finished) = (temporary(file.rawValue), location(of: file))
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: unfinished))
        } catch {
            throw .file(unfinished, doing: "write", because: error.localizedDescription)
        }
        guard rename(unfinished, finished) == 0 else {
            throw .file(finished, doing: "put in place", because: String(cString: strerror(errno)))
        }
    }
}
