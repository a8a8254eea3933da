import Glibc
import Linux
import Tar
import Testing

@testable import Archive

/// A directory of a test's own with `dest`, where archives are unpacked, and `victim`, which none may touch. Removed with
/// this value.
final class Place {
    let path: String
    let start: [String]

    init() throws {
        let suffix = try Identity.randomBytes(6).map { String($0, radix: 16) }.joined()
        path = "/tmp/bulkhead-archive-\(suffix)"
        try Files.makeDirectories(path + "/dest")
        try Files.makeDirectory(path + "/victim")
        try Files.write(Array("precious".utf8), to: path + "/victim/file", mode: 0o600)
        start = try Self.snapshot(path + "/victim")
        signal(SIGPIPE, SIG_IGN)
    }

    deinit { try? Files.removeTree(path) }

    var dest: String { path + "/dest" }

    /// Everything that a copy is to keep of the tree at `path`, a line for each file; of `path` itself when `withTop`.
    static func snapshot(_ path: String, withTop: Bool = true) throws -> [String] {
        let format = "%P %y %m %U %G %T@ [%l]"
        let script =
            ["find", path, "-mindepth", withTop ? "0" : "1"]
            + ["-type", "d", "-printf", format + "\\0", "-o", "-printf", format + " %s %n\\0"]
        let bytes = try output(of: script)
        return bytes.split(separator: 0).map { Files.printable(Array($0)) }.sorted()
    }

    /// Runs a program to its end; its standard output.
    static func output(of arguments: [String]) throws -> [UInt8] {
        try output(of: arguments, input: Files.open("/dev/null"))
    }

    static func output(of arguments: [String], input: borrowing OwnedFD) throws -> [UInt8] {
        let out = try Files.inMemory([], name: "output", sealed: false)
        let child = try start(arguments, input: input, output: out)
        #expect(try child.pidfd.wait() == .exited(code: 0), "\(arguments)")
        var bytes: [UInt8] = []
        while case let some = try out.read(upTo: 1 << 20, at: Int64(bytes.count)), !some.isEmpty { bytes += some }
        return bytes
    }

    static func start(
        _ arguments: [String], input: borrowing OwnedFD, output: borrowing OwnedFD
    ) throws -> ChildProcess {
        try SpawnPlan("/usr/bin/" + arguments[0], arguments, environment: ["LC_ALL=C", "PATH=/usr/bin:/bin"])
            .start(descriptors: [
                DescriptorMapping(input.withRaw { $0 }, as: 0), DescriptorMapping(output.withRaw { $0 }, as: 1),
                DescriptorMapping(2, as: 2),
            ])
    }

    /// An archive as an open file.
    func archive(_ entries: [TarEntry], _ contents: [String: String] = [:]) throws -> OwnedFD {
        try Files.inMemory(Self.bytes(entries, contents), name: "archive")
    }

    /// Content is by the entry's path.
    static func bytes(_ entries: [TarEntry], _ contents: [String: String] = [:]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for var entry in entries {
            let content = Array((contents[String(decoding: entry.path, as: UTF8.self)] ?? "").utf8)
            if entry.kind == .regular { entry.sizeBytes = Int64(content.count) }
            bytes += try TarWriter.header(of: entry)
            guard entry.kind == .regular else { continue }
            bytes += content + TarWriter.padding(after: entry.sizeBytes)
        }
        return bytes + TarWriter.end
    }

    func unpack(_ archive: borrowing OwnedFD, _ options: UnpackOptions = UnpackOptions()) throws(ArchiveError)
        -> Archive.Counts
    {
        let destination = try ArchiveError.about([]) { () throws(SystemCallError) in
            try Files.open(dest, [.path, .directory])
        }
        return try Archive.unpack(from: archive, into: destination, options)
    }

    /// Packs something below this place into a file.
    func pack(_ path: String, followsLink: Bool = false, name: String, to file: borrowing OwnedFD) throws
        -> Archive.Counts
    {
        let root = try Files.open(self.path, [.path, .directory])
        let source = Archive.Source(path: Array(path.utf8), followsLink: followsLink, name: Array(name.utf8))
        return try Archive.pack(source, in: root, to: file)
    }

    func file(_ name: String) throws -> OwnedFD {
        try Files.open(path + "/" + name, [.readWrite, .create, .truncate])
    }
}

extension UnpackOptions {
    static let everything = UnpackOptions(devices: .make, specialBits: .keep)
}

extension TarEntry {
    static func file(_ path: String, mode: UInt32 = 0o644) -> TarEntry {
        TarEntry(path: Array(path.utf8), kind: .regular, mode: mode, modified: Time(seconds: 1000))
    }
    static func directory(_ path: String, mode: UInt32 = 0o755) -> TarEntry {
        TarEntry(path: Array(path.utf8), kind: .directory, mode: mode, modified: Time(seconds: 1000))
    }
    static func symlink(_ path: String, to target: String) -> TarEntry {
        TarEntry(path: Array(path.utf8), kind: .symlink, mode: 0o777, linkTarget: Array(target.utf8))
    }
    static func hardLink(_ path: String, to target: String) -> TarEntry {
        TarEntry(path: Array(path.utf8), kind: .hardLink, linkTarget: Array(target.utf8))
    }
    static func device(_ path: String) -> TarEntry {
        TarEntry(path: Array(path.utf8), kind: .characterDevice, mode: 0o666, major: 1, minor: 3)
    }
}
