/// A table for a terminal: columns as wide as their widest cell.
struct TextTable {
    private var rows: [[String]]

    /// - Parameter titles: none is shown when all of them are empty.
    init(_ titles: [String]) { rows = titles.allSatisfy(\.isEmpty) ? [] : [titles] }

    mutating func add(_ cells: [String]) { rows.append(cells.map(Self.printable)) }

    var text: String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 3)
                }
            }
            return line + "\n"
        }.joined()
    }

    /// Names, images and commands are users'; a cell is one line.
    private static func printable(_ text: String) -> String {
        Shown.harmless(text).split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

/// Durations as docker shows them.
enum Elapsed {
    /// - Parameter nanoseconds: a negative one counts as none.
    static func text(_ nanoseconds: Int64) -> String {
        let seconds = max(nanoseconds, 0) / 1_000_000_000
        let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600)
        switch seconds {
        case 0: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        case ..<120: return "About a minute"
        case ..<3600: return "\(minutes) minutes"
        case ..<5400: return "About an hour"
        case ..<(48 * 3600): return "\(hours) hours"
        case ..<(14 * 86_400): return "\(seconds / 86_400) days"
        case ..<(60 * 86_400): return "\(seconds / 86_400 / 7) weeks"
        case ..<(730 * 86_400): return "\(seconds / 86_400 / 30) months"
        default: return "\(seconds / 86_400 / 365) years"
        }
    }
}
