/// Where a copy goes, by `docker cp`'s rules. Pure. Paths are bytes, so that every file can be copied.
struct CopyPlan: Equatable {
    /// What is at a path.
    enum Kind: Equatable { case missing, directory, other }

    /// The name of what is copied in the archive; `.` for the contents of a directory.
    let name: [UInt8]
    /// The directory that the archive is unpacked in.
    let directory: [UInt8]

    /// - Parameters:
    ///   - source: as it was typed; ending with `/.` it means a directory's contents.
    ///   - sourceIsDirectory: or a link to one that is followed.
    ///   - target: as it was typed; empty means the root, or the working directory.
    ///   - parentKind: of the directory that `target` is in.
    /// - Throws: why it cannot be.
    init(
        source: [UInt8], sourceIsDirectory: Bool, target: [UInt8], targetKind: Kind, parentKind: Kind
    ) throws(CopyPlanError) {
        let means = Self.meansContents(source)
        guard sourceIsDirectory || !Self.endsAsDirectory(source) && !means else { throw .sourceIsNoDirectory }
        switch targetKind {
        case .directory:
            directory = target.isEmpty ? [Self.dot] : target
            // The whole tree has no name.
            name = means ? [Self.dot] : Self.lastName(source) ?? [Self.dot]
        case .other:
            guard !sourceIsDirectory else { throw .directoryOverFile }
            guard !Self.endsAsDirectory(target) else { throw .targetIsNoDirectory }
            (directory, name) = try Self.place(of: target)
        case .missing:
            guard parentKind == .directory else { throw .noSuchTarget }
            guard sourceIsDirectory || !Self.endsAsDirectory(target) else { throw .noSuchTarget }
            (directory, name) = try Self.place(of: target)
        }
    }

    private static let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")

    /// The path without what says that it is a directory: trailing slashes and `/.`.
    static func trimmed(_ path: [UInt8]) -> [UInt8] {
        var rest = path[...]
        while rest.count > 1, rest.last == slash || rest.suffix(2) == [slash, dot] { rest = rest.dropLast() }
        return Array(rest)
    }

    static func endsAsDirectory(_ path: [UInt8]) -> Bool { path.last == slash || meansContents(path) }

    static func meansContents(_ path: [UInt8]) -> Bool { path == [dot] || path.suffix(2) == [slash, dot] }

    /// Nil for the root, `.` and `..`, which have none of their own.
    static func lastName(_ path: [UInt8]) -> [UInt8]? {
        let names = trimmed(path).split(separator: slash)
        guard let last = names.last, last != [dot], last != [dot, dot] else { return nil }
        return Array(last)
    }

    /// The directory that a path is in.
    static func parent(_ path: [UInt8]) -> [UInt8] {
        let path = trimmed(path)
        guard let cut = path.lastIndex(of: slash) else { return [dot] }
        return cut == 0 ? [slash] : Array(path[..<cut])
    }

    /// Where a link leads, itself a path.
    static func target(of link: [UInt8], at path: [UInt8]) -> [UInt8] {
        link.first == slash ? link : parent(path) + [slash] + link
    }

    private static func place(of path: [UInt8]) throws(CopyPlanError) -> (directory: [UInt8], name: [UInt8]) {
        guard let name = lastName(path) else { throw .noSuchTarget }
        return (parent(path), name)
    }
}

/// Why something cannot be copied there.
enum CopyPlanError: Error, Equatable, CustomStringConvertible {
    case sourceIsNoDirectory, directoryOverFile, targetIsNoDirectory, noSuchTarget, tooManyLinks

    var description: String {
        switch self {
        case .sourceIsNoDirectory: "what is to be copied is no directory, as its path says"
        case .directoryOverFile: "cannot copy a directory over a file"
        case .targetIsNoDirectory: "the destination is no directory, as its path says"
        case .noSuchTarget: "the destination does not exist: make its directory first"
        case .tooManyLinks: "the destination is a link to a link, and so on without an end"
        }
    }
}
