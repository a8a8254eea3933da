/// A small directory of the host, whole, as it was at one moment. Its own entry, whose path is empty, comes first, and each
/// directory comes before what is in it. What others have put there is bytes: nothing of it is followed or executed.
public struct ProjectionSnapshot: Codable, Equatable, Sendable {
    /// Of entries, without the directory itself.
    public static let maximumEntries = 256
    /// Of the contents of all files, and of where links lead.
    public static let maximumBytes = 1 << 20
    /// Of names in a path.
    public static let maximumDepth = 32
    public static let maximumNameBytes = 255
    /// Of where a link leads. Source: PATH_MAX, with its NUL.
    public static let maximumTargetBytes = 4095

    public var entries: [ProjectionEntry] = []
    public init(entries: [ProjectionEntry] = []) { self.entries = entries }
    enum CodingKeys: Int, CodingKey { case entries = 1 }

    /// - Throws: when it is none that a guest would take.
    public func check() throws(ProjectionError) {
        guard let top = entries.first, top.path.isEmpty, top.kind == .directory else { throw .noDirectory }
        guard entries.count - 1 <= Self.maximumEntries else { throw .tooManyEntries }
        var directories: Set<[UInt8]> = [[]], paths: Set<[UInt8]> = [], bytes = 0
        for entry in entries {
            guard paths.insert(entry.path).inserted else { throw .misplaced(entry.path) }
            try entry.check()
            bytes += entry.content.count
            guard bytes <= Self.maximumBytes else { throw .tooLarge }
            guard !entry.path.isEmpty else { continue }
            guard directories.contains(entry.parent) else { throw .misplaced(entry.path) }
            if entry.kind == .directory { directories.insert(entry.path) }
        }
    }
}

/// What is at a path of a projection.
public struct ProjectionEntry: Codable, Equatable, Sendable {
    /// Names with `/` between them, as they are on disk.
    public var path: [UInt8] = []
    public var kind = ProjectionKind.directory
    /// Permission bits; those of a link mean nothing.
    public var mode: UInt32 = 0
    public var uid: UInt32 = 0
    public var gid: UInt32 = 0
    /// When it was modified, since 1970.
    public var modifiedSeconds: Int64 = 0
    public var modifiedNanoseconds: UInt32 = 0
    /// A file's content, or where a link leads.
    public var content: [UInt8] = []

    public init(path: [UInt8] = [], kind: ProjectionKind = .directory, mode: UInt32 = 0, content: [UInt8] = []) {
        (self.path, self.kind, self.mode, self.content) = (path, kind, mode, content)
    }

    enum CodingKeys: Int, CodingKey {
        case path = 1, kind, mode, uid, gid, modifiedSeconds, modifiedNanoseconds, content
    }

    static let separator = UInt8(ascii: "/")

    /// The path without its last name.
    public var parent: [UInt8] { Array(path[..<(path.lastIndex(of: Self.separator) ?? 0)]) }

    /// The last name.
    public var name: [UInt8] { Array(path[(path.lastIndex(of: Self.separator).map { $0 + 1 } ?? 0)...]) }

    fileprivate func check() throws(ProjectionError) {
        let names = path.isEmpty ? [] : path.split(separator: Self.separator, omittingEmptySubsequences: false)
        guard names.count <= ProjectionSnapshot.maximumDepth else { throw .tooDeep }
        for name in names { try Self.check(Array(name), of: path) }
        guard mode <= 0o7777, modifiedNanoseconds < 1_000_000_000 else { throw .misplaced(path) }
        switch kind {
        case .directory: guard content.isEmpty else { throw .misplaced(path) }
        case .file: break
        case .link:
            guard (1...ProjectionSnapshot.maximumTargetBytes).contains(content.count), !content.contains(0)
            else { throw .badName(path) }
        }
    }

    private static func check(_ name: [UInt8], of path: [UInt8]) throws(ProjectionError) {
        let dot = UInt8(ascii: ".")
        guard (1...ProjectionSnapshot.maximumNameBytes).contains(name.count), !name.contains(0), name != [dot],
            name != [dot, dot]
        else { throw .badName(path) }
    }
}

public enum ProjectionKind: Int32, Codable, Equatable, Sendable { case directory = 0, file, link }

/// Why a directory is none that is projected.
public enum ProjectionError: Error, Equatable, Sendable, CustomStringConvertible {
    case noDirectory, tooManyEntries, tooLarge, tooDeep
    /// A name that cannot be one, or a link to nowhere.
    case badName([UInt8])
    /// Twice there, below what is no directory, or with what its kind does not have.
    case misplaced([UInt8])

    public var description: String {
        switch self {
        case .noDirectory: "it is no directory"
        case .tooManyEntries: "it has more than \(ProjectionSnapshot.maximumEntries) entries"
        case .tooLarge: "it has more than \(ProjectionSnapshot.maximumBytes) bytes"
        case .tooDeep: "it is deeper than \(ProjectionSnapshot.maximumDepth) directories"
        case .badName(let path): "it has a bad name: \(Self.shown(path))"
        case .misplaced(let path): "it has an entry that cannot be: \(Self.shown(path))"
        }
    }

    private static func shown(_ path: [UInt8]) -> String {
        String(path.prefix(100).map { (0x20..<0x7f).contains($0) ? Character(UnicodeScalar($0)) : "?" })
    }
}

/// What a directory of the host has become, for the one that a container has in the guest.
public struct ProjectRequest: Codable, Equatable, Sendable {
    /// How many a container has at most.
    public static let maximumPerContainer = 64

    public var container = ""
    /// The projection's own, within its container.
    public var name = ""
    /// It is not there yet; what is there of an earlier one is removed.
    public var begins = false
    public var snapshot = ProjectionSnapshot()
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, name, begins, snapshot }

    /// In the guest: of directories that are called as their containers are.
    public static let parent = "/run/projections"

    /// Where a projection is in the guest.
    public static func place(of name: String, in container: String) -> String { parent + "/\(container)/\(name)" }
}
