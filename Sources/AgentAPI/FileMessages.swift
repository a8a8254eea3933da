/// A path of a container, its links resolved as the container sees them. Paths are bytes.
public struct FileStatusRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var path: [UInt8] = []
    /// What a symbolic link at its end leads to, instead of the link.
    public var followsLink = false
    public init(container: String = "", path: [UInt8] = [], followsLink: Bool = false) {
        (self.container, self.path, self.followsLink) = (container, path, followsLink)
    }
    enum CodingKeys: Int, CodingKey { case container = 1, path, followsLink }
}

public struct FileStatusResponse: Codable, Equatable, Sendable {
    public var kind = FileKind.missing
    /// Of a symbolic link that is not followed: where it leads.
    public var link: [UInt8] = []
    public init(kind: FileKind = .missing, link: [UInt8] = []) { (self.kind, self.link) = (kind, link) }
    enum CodingKeys: Int, CodingKey { case kind = 1, link }
}

public enum FileKind: Int32, Codable, Equatable, Sendable { case missing = 0, directory, symlink, other }

/// What of a container becomes a tar archive, which is written to a stream of the link.
public struct PackRequest: Codable, Equatable, Sendable {
    public var container = ""
    public var path: [UInt8] = []
    public var followsLink = false
    /// Its name in the archive; `.` for the contents of a directory.
    public var name: [UInt8] = []
    public var stream: UInt32 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, path, followsLink, name, stream }
}

/// Where in a container a tar archive goes, which is read from a stream of the link.
public struct UnpackRequest: Codable, Equatable, Sendable {
    public var container = ""
    /// A directory.
    public var path: [UInt8] = []
    /// Owners are the archive's; otherwise all of it is root's.
    public var keepsOwners = false
    public var stream: UInt32 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case container = 1, path, keepsOwners, stream }
}

/// What a copy came to.
public struct CopyResponse: Codable, Equatable, Sendable {
    public var entries: UInt64 = 0
    public var contentBytes: UInt64 = 0
    /// Sockets, and what vanished meanwhile.
    public var skipped: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case entries = 1, contentBytes, skipped }
}
