/// A table for a terminal: columns as wide as their widest cell.
struct TextTable {
    private var rows: [[String]]

    init(_ titles: [String]) { rows = [titles] }

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

    /// Names, images and commands are users' and may hold what a terminal obeys.
    private static func printable(_ text: String) -> String {
        let control: [Unicode.GeneralCategory] = [.control, .format, .lineSeparator, .paragraphSeparator]
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { control.contains($0.properties.generalCategory) ? "?" : $0 }))
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

/// Points in time as text.
enum DateText {
    /// RFC 3339 in UTC with nanoseconds.
    /// - Parameter time: nanoseconds since 1970.
    static func rfc3339(_ time: Int64) -> String {
        let seconds = time >= 0 ? time / 1_000_000_000 : 0
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        // Days from 1970 to a civil date: years begin in March, so that the leap day is a year's last.
        let shifted = days + 719_468
        let (era, dayOfEra) = (shifted / 146_097, shifted % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let fraction = time >= 0 ? time % 1_000_000_000 : 0
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(rest / 3600, 2))"
            + ":\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2)).\(padded(fraction, 9))Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
