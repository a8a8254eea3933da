import Testing

@testable import OCI

@Suite struct MountOptionsTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var options: [String], flags: MountFlags = [], cleared: MountFlags = []
        var propagation: [UInt64] = [], recursive: UInt64 = 0, clearedRecursive: UInt64 = 0
        var data: [String] = [], met: [String] = []
        var testDescription: String { options.joined(separator: ",") }
    }

    @Test(arguments: [
        Row(options: []),
        Row(options: ["defaults", ""]),
        Row(options: ["rbind", "rprivate", "ro"], flags: [.bind, .recursive, .readOnly], propagation: [0x44000]),
        Row(options: ["ro", "rw"], cleared: .readOnly),
        Row(options: ["rw", "ro"], flags: .readOnly),
        Row(
            options: ["suid", "dev", "exec", "async", "nomand", "atime", "diratime", "norelatime"],
            cleared: MountFlags(rawValue: 0x20_0C5E)),
        Row(
            options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
            flags: [.noSetUID, .noExecute], data: ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        Row(
            options: ["nosuid", "strictatime", "mode=755", "size=65536k"], flags: [.noSetUID, .strictAccessTime],
            data: ["mode=755", "size=65536k"]),
        Row(options: ["shared", "rslave", "unbindable"], propagation: [0x100000, 0x84000, 0x20000]),
        Row(options: ["rro", "rnosuid", "rnosymfollow"], recursive: 0x200003),
        Row(options: ["rro", "rrw"], clearedRecursive: 0x1),
        Row(options: ["rrw", "rro"], recursive: 0x1),
        Row(options: ["rnoatime"], recursive: 0x10, clearedRecursive: 0x70),
        Row(options: ["rnoatime", "rstrictatime"], recursive: 0x20, clearedRecursive: 0x70),
        Row(options: ["rstrictatime", "ratime"], clearedRecursive: 0x70),
        Row(options: ["rrelatime", "rnorelatime", "rnodiratime"], recursive: 0x80, clearedRecursive: 0x70),
        Row(
            options: ["context=\"system_u:object_r:container_file_t:s0:c1,c2\"", "size=1m"], data: ["size=1m"],
            met: ["context=\"system_u:object_r:container_file_t:s0:c1,c2\""]),
        // Only the whole word is an option; a value makes it the file system's.
        Row(options: ["ro=1", "RO", "lowerdir=/a:/b"], data: ["ro=1", "RO", "lowerdir=/a:/b"]),
    ]) func sortsOptions(_ row: Row) throws {
        let parsed = try MountOptions.parse(row.options)
        #expect(parsed.flags == row.flags)
        #expect(parsed.clearedFlags == row.cleared)
        #expect(parsed.propagation.map(\.rawValue) == row.propagation)
        #expect(parsed.recursiveAttributes.rawValue == row.recursive)
        #expect(parsed.clearedRecursiveAttributes.rawValue == row.clearedRecursive)
        #expect(parsed.data == row.data)
        #expect(parsed.metByVM == row.met)
        #expect(parsed.isBind == row.flags.contains(.bind))
    }

    /// The names that `runc features` of runc 1.1 prints.
    static let ofRunc = """
        async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec
        noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime
        relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro
        rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave
        strictatime suid symfollow sync tmpcopyup unbindable
        """

    @Test(arguments: ofRunc.split(whereSeparator: \.isWhitespace).map(String.init))
    func knowsAllOptionsOfRunc(_ option: String) { #expect(MountOptions.meaning(of: option) != nil) }

    @Test(arguments: [
        ([], false), (["tmpcopyup"], true), (["notmpcopyup"], false), (["tmpcopyup", "ro", "notmpcopyup"], false),
        (["notmpcopyup", "tmpcopyup"], true),
    ]) func copiesUpOnDemand(_ options: [String], _ copies: Bool) throws {
        let parsed = try MountOptions.parse(options)
        #expect(parsed.copiesUp == copies)
        #expect(parsed.data == [])
    }

    @Test(arguments: ["idmap", "ridmap", "a\0b"]) func refuses(_ option: String) throws {
        let error = #expect(throws: MountOptionError.self) { try MountOptions.parse(["ro", option]) }
        guard case .refused(option, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test func limitsNumberAndLength() throws {
        let many = [String](repeating: "ro", count: MountOptions.maximumOptions)
        _ = try MountOptions.parse(many)
        #expect(throws: MountOptionError.tooMany(count: many.count + 1, limit: many.count)) {
            try MountOptions.parse(many + ["ro"])
        }
        let long = String(repeating: "x", count: MountOptions.maximumBytes - 1)
        #expect(try MountOptions.parse([long]).data == [long])
        #expect(throws: MountOptionError.tooLong(limit: MountOptions.maximumBytes)) {
            try MountOptions.parse([long, "y"])
        }
    }

    @Test func propagationOfTheRoot() {
        #expect(MountPropagation(option: "rslave")?.rawValue == 0x84000)
        #expect(MountPropagation(option: "private")?.rawValue == 0x40000)
        #expect(MountPropagation(option: "ro") == nil)
        #expect(MountPropagation(option: "") == nil)
    }
}
