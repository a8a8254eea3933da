extension Command {
    /// The help of the node at `path` below this root, ending with a line feed.
    /// - Parameters:
    ///   - path: As in an `Outcome`; one that leads nowhere is a mistake of the program and traps.
    ///   - width: Columns of a line, at least 40; words that are longer stick out.
    public func helpText(for path: [String], width: Int = 80) -> String {
        guard let command = command(at: path) else { preconditionFailure("no command \(path)") }
        var page = HelpPage(width: max(width, 40))
        let name = ([self.name] + path).joined(separator: " ")
        page.paragraph("Usage:  " + name + command.usageTail, indentation: 8, first: 0)
        page.section([command.summary + "."])
        page.section(
            command.description.split(separator: "\n", omittingEmptySubsequences: true).map(String.init))
        page.table("Arguments", command.operands.filter { !$0.summary.isEmpty }.map { ($0.name, $0.summary) })
        for group in command.groups {
            page.table(group.title ?? "Commands", group.members.map { ($0.name, $0.summary) })
        }
        let options = command.options.filter { !$0.isHidden }.map { ($0.label, $0.explanation) }
        page.table("Options", options + [help(command)])
        if !command.examples.isEmpty { page.verbatim("Examples", command.examples) }
        if !command.subcommands.isEmpty {
            page.section(["'\(name) COMMAND --help' tells more about a command."])
        }
        if !path.isEmpty, self.options.contains(where: { !$0.isHidden }) {
            page.section(["'\(self.name) --help' lists the options that go before the command."])
        }
        if !command.notYet.isEmpty {
            let names = command.notYet.map { missing in
                (missing.short.map { "-\($0), " } ?? "") + "--" + missing.name
            }
            page.section(["Not supported yet: " + names.joined(separator: "; ") + "."])
        }
        return page.text
    }

    private func help(_ command: Command) -> (label: String, explanation: String) {
        let isLetterTaken = command.options.contains { $0.short == "h" }
        return (Option("help", short: isLetterTaken ? nil : "h", .flag, "").label, "Show this help")
    }

    private var usageTail: String {
        let options = options.isEmpty ? "" : " [OPTIONS]"
        let rest = subcommands.isEmpty ? operands.map(\.usage) : ["COMMAND"]
        return options + rest.map { " " + $0 }.joined()
    }

    /// Subcommands by group title, groups in the order in which their first member stands, untitled ones first.
    private var groups: [(title: String?, members: [Command])] {
        var titles: [String?] = [nil]
        let shown = subcommands.filter { !$0.isHidden }
        for command in shown where !titles.contains(command.group) { titles.append(command.group) }
        return titles.map { title in (title, shown.filter { $0.group == title }) }.filter { !$0.members.isEmpty }
    }
}

extension Option {
    /// `-e, --env KEY=VALUE`, with room where the letter is missing.
    fileprivate var label: String {
        let start = short.map { "-\($0), " } ?? "    "
        return start + names.map { "--" + $0 }.joined(separator: ", ") + (placeholder.map { " " + $0 } ?? "")
    }

    fileprivate var explanation: String {
        var notes: [String] = []
        if !allowedValues.isEmpty { notes.append(listed(allowedValues, "or")) }
        if let defaultText { notes.append("default " + defaultText) }
        if case .repeated = kind { notes.append("may be repeated") }
        return notes.isEmpty ? summary : summary + " (" + notes.joined(separator: "; ") + ")"
    }
}

/// Text in lines of a width.
private struct HelpPage {
    let width: Int
    private(set) var text = ""

    init(width: Int) { self.width = width }

    /// Paragraphs with an empty line before the first; none: nothing at all.
    mutating func section(_ paragraphs: [String]) {
        if !paragraphs.isEmpty { text += "\n" }
        for part in paragraphs { paragraph(part, indentation: 0, first: 0) }
    }

    /// Words that fill lines from column `first`, and from `indentation` on in all lines but the first.
    mutating func paragraph(_ words: String, indentation: Int, first: Int) {
        var column = first
        var isStart = true
        for word in words.split(separator: " ", omittingEmptySubsequences: false) {
            if !isStart, column + 1 + word.count > width, !word.isEmpty {
                text += "\n" + String(repeating: " ", count: indentation)
                column = indentation
                isStart = true
            }
            text += isStart ? String(word) : " " + word
            column += word.count + (isStart ? 0 : 1)
            isStart = false
        }
        text += "\n"
    }

    /// Two columns below a title. A label too long for the first column has a line of its own.
    mutating func table(_ title: String, _ rows: [(label: String, explanation: String)]) {
        guard !rows.isEmpty else { return }
        let widest = width * 2 / 5
        let labels = rows.map(\.label.count).filter { $0 + 4 <= widest }
        let start = max(labels.max() ?? 0, 3) + 5
        text += "\n\(title):\n"
        for row in rows {
            text += "  " + row.label
            if row.label.count + 4 > widest {
                text += "\n" + String(repeating: " ", count: start)
            } else {
                text += String(repeating: " ", count: start - 2 - row.label.count)
            }
            paragraph(row.explanation, indentation: start, first: start)
        }
    }

    mutating func verbatim(_ title: String, _ lines: [String]) {
        text += "\n\(title):\n"
        for line in lines { text += "  \(line)\n" }
    }
}
