/// A report in named sections, each with a bound, for people and their terminals: nothing in it moves a cursor. Pure.
struct ReportText {
    /// Which part of a text counts most.
    enum Part { case beginning, end }

    /// Of a section.
    static let maximumBytes = 64 << 10

    private(set) var text: String

    init(header: [String]) { text = header.map { Shown.harmless($0) + "\n" }.joined() }

    mutating func add(_ title: String, _ content: String, keeps part: Part = .beginning, bytes: Int = maximumBytes) {
        var content = Self.bounded(Shown.harmless(content), keeps: part, bytes: bytes)
        while content.hasSuffix("\n") { content.removeLast() }
        text += "\n== \(Shown.harmless(title)) ==\n" + (content.isEmpty ? "(nothing)" : content) + "\n"
    }

    mutating func add(
        _ title: String, _ lines: [String], keeps part: Part = .beginning, bytes: Int = maximumBytes
    ) {
        add(title, lines.joined(separator: "\n"), keeps: part, bytes: bytes)
    }

    static func bounded(_ text: String, keeps part: Part, bytes: Int) -> String {
        let all = text.utf8.count
        guard all > bytes else { return text }
        // Cut in the middle of a character is repaired.
        switch part {
        case .beginning:
            return String(decoding: text.utf8.prefix(bytes), as: UTF8.self) + "\n(\(all - bytes) bytes more)"
        case .end: return "(\(all - bytes) bytes before)\n" + String(decoding: text.utf8.suffix(bytes), as: UTF8.self)
        }
    }
}
