/// Signals by name and number, as Linux counts them on x86-64 and arm64.
///
/// Source: signal(7); SIGRTMIN is glibc's, which keeps 32 and 33 for itself, as docker counts too.
public enum SignalName {
    /// The highest signal there is.
    public static let maximum: Int32 = 64
    private static let realTimeMinimum: Int32 = 34

    /// From 1 on.
    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]
    private static let others = ["IOT": 6, "CLD": 17, "POLL": 29] as [String: Int32]

    /// `HUP`, `INT` and so on, without the real-time signals.
    static var allNames: [String] { names }

    /// `KILL`, `SIGKILL` or `sigkill`, `9`, `RTMIN+3`, `SIGRTMAX-1`.
    /// - Throws: `.outOfRange` for a number not from 1 to 64 or beside the real-time signals, `.unknownName`.
    public static func parse(_ text: String) throws(ValueError) -> Int32 {
        let outOfRange = ValueError.outOfRange(what: "signal", value: text, allowed: "from 1 to \(maximum)")
        if text.isDigits {
            guard let number = Int32(text), (1...maximum).contains(number) else { throw outOfRange }
            return number
        }
        let unknown = ValueError.unknownName(what: "signal", value: text, known: names.map { "SIG" + $0 })
        // As strings, K and the sign for Kelvin are equal.
        guard text.utf8.count <= 16, text.utf8.allSatisfy({ $0 < 0x80 }) else { throw unknown }
        let upper = String(decoding: text.utf8.map { $0.uppercased }, as: UTF8.self)
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let index = names.firstIndex(of: name), let number = Int32(exactly: index + 1) { return number }
        if let number = others[name] { return number }
        for (base, start, sign) in [("RTMIN", realTimeMinimum, "+"), ("RTMAX", maximum, "-")] {
            guard name.hasPrefix(base) else { continue }
            let offset = name.dropFirst(base.count)
            if offset.isEmpty { return start }
            guard offset.hasPrefix(sign), String(offset.dropFirst()).isDigits,
                let distance = Int32(offset.dropFirst())
            else { throw unknown }
            guard distance <= maximum - realTimeMinimum else {
                throw .outOfRange(what: "signal", value: text, allowed: "from RTMIN to RTMIN+30, which is RTMAX")
            }
            return sign == "+" ? start + distance : start - distance
        }
        throw unknown
    }

    /// `SIGKILL`, `SIGRTMIN+3`; nil for numbers that have no name, such as 0, 32 and 65.
    public static func name(of signal: Int32) -> String? {
        if signal >= 1, signal <= names.count { return "SIG" + names[Int(signal) - 1] }
        guard (realTimeMinimum...maximum).contains(signal) else { return nil }
        if signal == realTimeMinimum { return "SIGRTMIN" }
        return signal == maximum ? "SIGRTMAX" : "SIGRTMIN+\(signal - realTimeMinimum)"
    }
}
