/// A path that only a helper sees, and what stands in its place in a message. Pure.
struct InnerPath: Equatable {
    let path: String
    /// What a person knows it as; empty for what follows it to stand alone.
    let shown: String
    /// Whether the next part of the path, a temporary name, goes with it.
    var takesNextPart = false

    /// A layout that becomes a part of the store.
    static func layout(_ path: String) -> [InnerPath] {
        [
            InnerPath(path: "oci:\(path):\(Skopeo.tag)", shown: "the store"),
            InnerPath(path: path + "/", shown: ""), InnerPath(path: path, shown: "the store"),
        ]
    }

    /// A directory of temporary files and directories.
    static func scratch(_ path: String) -> InnerPath {
        InnerPath(path: path + "/", shown: "", takesNextPart: true)
    }

    /// `text` with what is shown wherever the path is, but not where it is a part of a longer one.
    func replaced(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let range = rest.firstRange(of: path) {
            let before = rest[..<range.lowerBound]
            result += before
            rest = rest[range.upperBound...]
            let begins = before.last.map { !Self.isInName($0) && $0 != "/" } ?? result.isEmpty
            let ends = path.hasSuffix("/") || rest.first.map { !Self.isInName($0) } ?? true
            guard begins, ends else {
                result += path
                continue
            }
            result += shown
            if takesNextPart, let end = rest.firstIndex(where: { !Self.isInName($0) }), rest[end] == "/" {
                rest = rest[rest.index(after: end)...]
            }
        }
        return result + rest
    }

    private static func isInName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "._-".contains(character)
    }
}
