/// The stack that a program in Go leaves when it crashes. Pure.
enum GoTrace {
    /// The lines that are none of a stack's.
    static func without(_ lines: [String]) -> [String] {
        let end = lines.firstIndex { $0.hasPrefix("goroutine ") && $0.contains("[") } ?? lines.endIndex
        let isPosition = lines[..<end].map(isPosition)
        // Before a position there is its function; the beginning of a long stack may be missing.
        return isPosition.indices.filter { at in
            !isPosition[at] && !(at + 1 < isPosition.count && isPosition[at + 1])
        }.map { lines[$0] }
    }

    /// `\t/usr/lib/go/x.go:12 +0x3f`.
    private static func isPosition(_ line: String) -> Bool {
        if line.hasPrefix("\t/") { return true }
        let text = line.drop(while: \.isWhitespace)
        guard let mark = text.ranges(of: ".go:").last?.upperBound else { return false }
        let rest = text[mark...].drop { $0.isNumber }
        return rest.startIndex > mark && !text[..<mark].contains(where: \.isWhitespace)
            && (rest.isEmpty || rest.hasPrefix(" +0x"))
    }
}
