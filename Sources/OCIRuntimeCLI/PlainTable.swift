import Linux

/// Columns of text.
enum PlainTable {
    /// As runc shows them: at least 12 characters wide, with three blanks between.
    static func text(_ rows: [[String]], minimum: Int = 12, gap: Int = 3) -> String {
        let widths = (rows.first ?? []).indices.map { column in
            max(minimum, (rows.map { $0[column].count }.max() ?? 0) + gap)
        }
        let lines = rows.map { row in
            row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }.joined()
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// Names of this host's users.
enum UserNames {
    /// `#1000` for a number without a name.
    static func name(of uid: UInt32) -> String {
        if uid == 0 { return "root" }
        let passwd = (try? Files.readText("/etc/passwd")) ?? ""
        for line in passwd.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, fields[2] == "\(uid)" { return String(fields[0]) }
        }
        return "#\(uid)"
    }
}
