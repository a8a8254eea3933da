/// A path of a container, bytes, its links resolved as the container sees them.
public struct ContainerPathRequest: Codable, Equatable, Sendable {
    public var id = ""
    public var path: [UInt8] = []
    /// What a symbolic link at its end leads to, instead of the link.
    public var followsLink = false
    public init(id: String = "", path: [UInt8] = [], followsLink: Bool = false) {
        (self.id, self.path, self.followsLink) = (id, path, followsLink)
    }
    enum CodingKeys: Int, CodingKey { case id = 1, path, followsLink }
}

public struct ContainerPathResponse: Codable, Equatable, Sendable {
    public enum Kind: Int32, Codable, Equatable, Sendable { case missing = 0, directory, symlink, other }

    public var kind = Kind.missing
    /// Of a symbolic link that is not followed: where it leads.
    public var link: [UInt8] = []
    public init(kind: Kind = .missing, link: [UInt8] = []) { (self.kind, self.link) = (kind, link) }
    enum CodingKeys: Int, CodingKey { case kind = 1, link }
}

/// What of a container becomes a tar archive.
public struct CopyFromRequest: Codable, Equatable, Sendable {
    public var id = ""
    public var path: [UInt8] = []
    public var followsLink = false
    /// Its name in the archive; `.` for the contents of a directory.
    public var name: [UInt8] = []
    /// Where it is written, as in `CreateTaskRequest`.
    public var stdout = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, path, followsLink, name, stdout }
}

/// Where in a container a tar archive goes.
public struct CopyToRequest: Codable, Equatable, Sendable {
    public var id = ""
    /// A directory.
    public var path: [UInt8] = []
    /// Owners are the archive's; otherwise all of it is root's.
    public var keepsOwners = false
    /// Where it is read, as in `CreateTaskRequest`.
    public var stdin = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, path, keepsOwners, stdin }
}

public struct CopyResult: Codable, Equatable, Sendable {
    public var entries: UInt64 = 0
    public var contentBytes: UInt64 = 0
    /// Sockets, and what vanished meanwhile.
    public var skipped: UInt64 = 0
    public init() {}
    enum CodingKeys: Int, CodingKey { case entries = 1, contentBytes, skipped }
}

/// Joins somebody's streams to those of a container's first process, beside those that are there.
public struct AttachRequest: Codable, Equatable, Sendable {
    public var id = ""
    /// As in `CreateTaskRequest`. The end of the input is not the process's.
    public var stdin = "", stdout = "", stderr = ""
    public init() {}
    enum CodingKeys: Int, CodingKey { case id = 1, stdin, stdout, stderr }
}
