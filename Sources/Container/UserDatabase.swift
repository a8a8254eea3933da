/// A container's /etc/passwd and /etc/group, passwd(5) and group(5). Pure, and of an image's author: lines that are
/// malformed are passed over, as every reader of these files does.
struct UserDatabase: Equatable, Sendable {
    struct User: Equatable, Sendable {
        let name: String
        let uid: UInt32
        let gid: UInt32
        let home: String
    }
    struct Group: Equatable, Sendable {
        let name: String
        let gid: UInt32
        let members: [String]
    }
    private(set) var users: [User] = []
    private(set) var groups: [Group] = []

    /// In bytes, of a file and of a line; a file beyond it is not read, a line beyond it is passed over.
    static let fileLimit = 4 << 20, lineLimit = 64 << 10
    /// What setgroups(2) takes, NGROUPS_MAX.
    static let groupLimit = 65536
    /// The largest uid and gid that container engines take.
    static let largestID: UInt32 = 0x7fff_ffff

    init(passwd: [UInt8], group: [UInt8]) {
        for fields in Self.lines(passwd) where fields.count >= 6 {
            guard let uid = Self.number(fields[2]), let gid = Self.number(fields[3]), !fields[0].isEmpty
            else { continue }
            users.append(User(name: fields[0], uid: uid, gid: gid, home: fields[5]))
        }
        for fields in Self.lines(group) where fields.count >= 3 {
            guard let gid = Self.number(fields[2]), !fields[0].isEmpty else { continue }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            groups.append(Group(name: fields[0], gid: gid, members: members))
        }
    }

    private static func lines(_ bytes: [UInt8]) -> [[String]] {
        guard bytes.count <= fileLimit else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard line.count <= lineLimit, line.first != UInt8(ascii: "#") else { return nil }
            return line.split(separator: UInt8(ascii: ":"), maxSplits: 7, omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Decimal digits only.
    private static func number(_ text: String) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt32(text)
    }
}

/// Who a process becomes.
struct UserIdentity: Equatable, Sendable {
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var groups: [UInt32] = []
    /// Nil when the database does not know the user.
    var home: String?
}

extension UserDatabase {
    /// Docker's rules for `--user`: `user`, `user:group`, each a name or a number. A name that looks like a number is
    /// looked up first. A user of the database brings the groups it is a member of, unless a group is given.
    /// - Throws: `ContainerError` for a name that is not there and a number beyond `largestID`.
    func identity(for text: String) throws(ContainerError) -> UserIdentity {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let userText = parts.first ?? "", groupText = parts.count > 1 ? parts[1] : ""
        let user = try user(userText)
        var identity = user.identity
        if !groupText.isEmpty {
            identity.gid = try group(groupText)
        } else if let name = user.name {
            identity.groups = Array(groups.filter { $0.members.contains(name) }.map(\.gid).prefix(Self.groupLimit))
        }
        return identity
    }

    /// The home directory of a uid.
    func home(of uid: UInt32) -> String? { users.first { $0.uid == uid }?.home }

    private func user(_ text: String) throws(ContainerError) -> (identity: UserIdentity, name: String?) {
        let wanted = text.isEmpty ? 0 : Self.number(text)
        if let found = users.first(where: { $0.name == text || $0.uid == wanted }) {
            return (UserIdentity(uid: found.uid, gid: found.gid, home: found.home), found.name)
        }
        guard !text.isEmpty else { return (UserIdentity(), nil) }
        guard Self.looksNumeric(text) else {
            throw ContainerError("find the user", "unable to find user \(text): no matching entries in passwd file")
        }
        return (UserIdentity(uid: try Self.inRange(wanted)), nil)
    }

    /// The number of a group, given by its name or number.
    /// - Throws: `ContainerError` for a name that is not there and a number beyond `largestID`.
    func group(_ text: String) throws(ContainerError) -> UInt32 {
        let wanted = Self.number(text)
        if let found = groups.first(where: { $0.name == text || $0.gid == wanted }) { return found.gid }
        guard Self.looksNumeric(text) else {
            throw ContainerError("find the group", "unable to find group \(text): no matching entries in group file")
        }
        return try Self.inRange(wanted)
    }

    private static func looksNumeric(_ text: String) -> Bool { text.utf8.allSatisfy { (48...57).contains($0) } }

    private static func inRange(_ number: UInt32?) throws(ContainerError) -> UInt32 {
        guard let number, number <= largestID else {
            throw ContainerError("find the user", "uids and gids must be in range 0-\(largestID)")
        }
        return number
    }
}
