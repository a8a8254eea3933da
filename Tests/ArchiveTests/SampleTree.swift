import Glibc
import Linux

/// A tree with one of everything that is copied.
enum SampleTree {
    static let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20] + [UInt8](repeating: 0, count: 14)
    static let oddName: [UInt8] = Array("odd ".utf8) + [0xff, 0xfe, 0x0a]

    static func make(_ path: String) throws {
        try Files.makeDirectories(path + "/sub/deeper")
        try Files.makeDirectory(path + "/closed")
        try Files.write(Array("hello\n".utf8), to: path + "/file")
        try Files.write([], to: path + "/sub/empty")
        try Files.write([UInt8](repeating: 7, count: 200_000), to: path + "/sub/large")
        try Files.write([1], to: path + "/closed/inside")
        try Files.link(path + "/file", at: path + "/sub/same")
        try Files.link(path + "/file", at: path + "/closed/again")
        try Files.symlink("../file", at: path + "/sub/link")
        try Files.symlink("/no/such/" + String(repeating: "x", count: 150), at: path + "/dangling")
        try Files.symlink("/", at: path + "/sub/deeper/root")
        try Files.link(path + "/dangling", at: path + "/dangling too")
        let top = try Files.open(path, .directory)
        try Files.makeNode(Array("fifo".utf8), in: top, kind: .fifo, mode: 0o622, major: 0, minor: 0)
        try Files.makeNode(Array("null".utf8), in: top, kind: .characterDevice, mode: 0o666, major: 1, minor: 3)
        try Files.makeNode(Array("disk".utf8), in: top, kind: .blockDevice, mode: 0o660, major: 259, minor: 70000)
        _ = try Files.open(oddName, in: top, [.create, .writeOnly], mode: 0o640, resolving: [])
        try Files.write([1], to: path + "/sub/" + String(repeating: "long", count: 60))

        let file = try Files.open(path + "/file", .readWrite)
        try file.setAttribute(Array("user.mime".utf8), Array("text/plain".utf8))
        try file.setAttribute(Array("user.empty".utf8), [])
        try file.setAttribute(Array("trusted.other".utf8), [1])
        try Files.changeOwner(file, uid: 1000, gid: 100)
        try Files.changeMode(file, 0o4751)
        let large = try Files.open(path + "/sub/large", .readWrite)
        try Files.changeOwner(large, uid: 3_000_000_000, gid: 7)
        try large.setAttribute(Array("security.capability".utf8), capability)
        try Files.changeMode(large, 0o755)
        let sub = try Files.open(path + "/sub", .directory)
        try sub.setAttribute(Array("user.directory".utf8), [1, 2, 3])
        try Files.changeMode(sub, 0o3777)
        let closed = try Files.open(path + "/closed", .directory)
        try Files.changeMode(closed, 0)
        try Files.changeOwner(Array("dangling".utf8), in: top, uid: 5, gid: 6)

        for (number, name) in ["file", "sub/large", "dangling", "fifo", "sub/deeper", "sub", "closed", "."].enumerated()
        {
            let time = FileTime(seconds: 1_000_000_000 + Int64(number), nanoseconds: UInt32(number) * 123_456_789)
            try Files.setModified(Array(name.utf8), in: top, time)
        }
    }

    /// Attributes of the files that have some.
    static func attributes(_ path: String) throws -> [[String]] {
        try ["file", "sub/large", "sub"].map { name in
            let file = try Files.open(path + "/" + name)
            return try file.attributeNames().map { attribute in
                let value = try file.attribute(attribute) ?? []
                return "\(String(decoding: attribute, as: UTF8.self))=\(value)"
            }.sorted()
        }
    }
}
