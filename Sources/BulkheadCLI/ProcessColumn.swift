import Calendar
import TaskAPI

/// A column of `top`: ps's name of it, its title, and what it says of a process. Pure.
struct ProcessColumn: Equatable {
    /// As ps(1) calls them, with its other names for the same.
    enum Kind: String, CaseIterable {
        case args, bsdstart, bsdtime, c, cmd, comm, etime, etimes, ni, nlwp, pcpu, pid, pmem, ppid, rss, s, start, stat
        case stime, time, tty, uid, user, vsz

        static let otherNames: [String: Kind] = [
            "%cpu": .pcpu, "%mem": .pmem, "command": .args, "cputime": .time, "euid": .uid, "euser": .user,
            "nice": .ni, "rssize": .rss, "rsz": .rss, "state": .s, "thcount": .nlwp, "tname": .tty, "tt": .tty,
            "tgid": .pid, "ucmd": .comm, "ucomm": .comm, "uname": .user, "vsize": .vsz,
        ]

        static func named(_ name: String) -> Kind? { Kind(rawValue: name) ?? otherNames[name] }

        var title: String {
            switch self {
            case .args, .comm: "COMMAND"
            case .bsdstart: "START"
            case .bsdtime, .time: "TIME"
            case .etime, .etimes: "ELAPSED"
            case .pcpu: "%CPU"
            case .pmem: "%MEM"
            case .start: "STARTED"
            case .c, .cmd, .ni, .nlwp, .pid, .ppid, .rss, .s, .stat, .stime, .tty, .uid, .user, .vsz:
                rawValue.uppercased()
            }
        }
    }

    var kind: Kind
    var title: String

    init(_ kind: Kind, title: String? = nil) { (self.kind, self.title) = (kind, title ?? kind.title) }

    /// What the cells need beside the process itself.
    struct Context {
        /// Of the container's machine.
        var memoryBytes: UInt64
        /// As clocks on the wall show it.
        var now: Moment
    }

    func cell(_ process: ProcessUsage, _ context: Context) -> String {
        switch kind {
        case .args, .cmd: return process.arguments.joined(separator: " ")
        case .comm: return process.name
        case .pid: return "\(process.pid)"
        case .ppid: return "\(process.parent)"
        case .uid, .user: return "\(process.uid)"
        case .ni: return "\(process.nice)"
        case .nlwp: return "\(process.threads)"
        case .rss: return "\(process.residentBytes / 1024)"
        case .vsz: return "\(process.virtualBytes / 1024)"
        case .s: return String(process.state.prefix(1))
        case .stat: return String(process.state.prefix(8))
        case .tty: return Self.terminal(process.terminal)
        case .c: return "\(min(Self.permille(process.cpuMilliseconds, process.ageMilliseconds) / 10, 99))"
        case .pcpu: return Self.tenths(Self.permille(process.cpuMilliseconds, process.ageMilliseconds))
        case .pmem: return Self.tenths(Self.permille(process.residentBytes, context.memoryBytes))
        case .time: return Self.time(process.cpuMilliseconds / 1000)
        case .bsdtime:
            let seconds = process.cpuMilliseconds / 1000
            return "\(seconds / 60):\(Self.two(seconds % 60))"
        case .etime: return Self.elapsed(process.ageMilliseconds / 1000)
        case .etimes: return "\(process.ageMilliseconds / 1000)"
        case .bsdstart, .start, .stime: return start(process, context)
        }
    }

    /// When the process began: the time of the day or, when that was longer ago, the day.
    private func start(_ process: ProcessUsage, _ context: Context) -> String {
        let age = Int64(clamping: process.ageMilliseconds)
        let (nanoseconds, overflow) = age.multipliedReportingOverflow(by: -1_000_000)
        let start = DateText(context.now.advanced(byNanoseconds: overflow ? .min : nanoseconds))
        let isOfLastDay = age < 86_400_000
        let now = DateText(context.now)
        switch kind {
        case .stime:
            // ps counts days here, not hours.
            if start.date == now.date { return start.minute }
            return start.year == now.year ? start.monthAndDay : start.year
        case .start: return isOfLastDay ? start.second : "\(start.month) \(start.day)"
        default: return isOfLastDay ? start.minute : start.monthAndDay
        }
    }

    /// `pts/0` and its like; a question mark for none, and for what is no terminal that people have.
    private static func terminal(_ device: UInt32) -> String {
        let major = device >> 8 & 0xFFF, minor = device & 0xFF | device >> 12 & 0xF_FF00
        switch major {
        case 4: return minor < 64 ? "tty\(minor)" : "ttyS\(minor - 64)"
        case 5 where minor == 1: return "console"
        case 136...143: return "pts/\((major - 136) * 256 + minor)"
        default: return "?"
        }
    }

    private static func permille(_ part: UInt64, _ whole: UInt64) -> UInt64 {
        guard whole > 0 else { return 0 }
        let product = part.multipliedFullWidth(by: 1000)
        return product.high < whole ? whole.dividingFullWidth(product).quotient : .max
    }

    private static func tenths(_ number: UInt64) -> String { "\(number / 10).\(number % 10)" }

    private static func two(_ number: UInt64) -> String { (number < 10 ? "0" : "") + "\(number)" }

    /// `[DD-]HH:MM:SS`.
    private static func time(_ seconds: UInt64) -> String {
        let days = seconds / 86_400
        return (days > 0 ? "\(two(days))-" : "")
            + [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
    }

    /// `[[DD-]HH:]MM:SS`.
    private static func elapsed(_ seconds: UInt64) -> String {
        seconds >= 3600 ? time(seconds) : "\(two(seconds / 60)):\(two(seconds % 60))"
    }
}

/// Parts of a moment as ps shows them.
private struct DateText {
    private let text: [Character]

    init(_ moment: Moment) { text = Array(moment.description) }

    private func part(_ range: Range<Int>) -> String { String(text[range]) }

    var date: String { part(0..<10) }
    var year: String { part(0..<4) }
    var day: String { part(8..<10) }
    var minute: String { part(11..<16) }
    var second: String { part(11..<19) }
    var monthAndDay: String { month + day }

    var month: String {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let number = Int(part(5..<7)) ?? 0
        return names.indices.contains(number - 1) ? names[number - 1] : "???"
    }
}
