import Glibc

extension Files {
    /// Opens a path as if `root` were `/`, as a place (O_PATH). One that is missing is made, with its parents: a directory
    /// (0755) or an empty file. A symbolic link that leads to nothing has what it leads to made, within the root.
    ///
    /// The root's owner may be hostile: whatever its links say, nothing is looked up or made outside.
    public static func makePlace(
        _ path: String, in root: borrowing OwnedFD, directory wantsDirectory: Bool
    ) throws(SystemCallError) -> OwnedFD {
        do {
            return try open(path, in: root, .path)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
        }
        let names = try resolve(path, in: root)
        var parent = "/"
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            let here = parent + name
            do {
                _ = try open(here, in: root, .path)
            } catch {
                guard error.code == ErrorNumber.noEntry else { throw error }
                let above = try open(parent, in: root, [.path, .directory])
                if isLast, !wantsDirectory {
                    try makeFile(name, in: above)
                } else {
                    try makeDirectory(name, in: above)
                }
            }
            parent = here + "/"
        }
        return try open("/" + names.joined(separator: "/"), in: root, .path)
    }

    /// The kernel's limit, MAXSYMLINKS.
    private static let linkLimit = 40

    /// The names of a path without links, of which the last ones may be missing. `..` ends at the root.
    private static func resolve(_ path: String, in root: borrowing OwnedFD) throws(SystemCallError) -> [String] {
        func reversed(_ path: String) -> [String] { path.split(separator: "/").reversed().map(String.init) }
        var rest = reversed(path), resolved: [String] = [], links = 0
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = resolved.popLast()
                continue
            }
            guard let target = try linkTarget("/" + (resolved + [name]).joined(separator: "/"), in: root) else {
                resolved.append(name)
                continue
            }
            links += 1
            guard links <= linkLimit else { throw SystemCallError("openat2", path, code: ErrorNumber.loop) }
            if target.hasPrefix("/") { resolved = [] }
            rest += reversed(target)
        }
        return resolved
    }

    /// Nil for what is no symbolic link, or not there.
    private static func linkTarget(_ path: String, in root: borrowing OwnedFD) throws(SystemCallError) -> String? {
        do {
            let entry = try open(path, in: root, [.path, .noFollow])
            return try entry.status().kind == .symlink ? entry.linkTarget() : nil
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            return nil
        }
    }
}
