import Calendar
import JSON
import Linux

/// Where messages go: the file of `--log`, in runc's two formats, and standard error.
struct RuntimeLog: Sendable {
    enum Format: String, Sendable { case text, json }

    /// Empty: standard error.
    var path = ""
    var format = Format.text

    /// The command's failure: into the log, and plainly on standard error when that is another place.
    func fail(_ message: String) {
        write(.error, message)
        if !path.isEmpty { CurrentProcess.writeError(Array((message + "\n").utf8)) }
    }

    func warn(_ message: String) { write(.warning, message) }

    enum Level: String { case error, warning }

    private func write(_ level: Level, _ message: String) {
        let line = Self.line(level, message, format, at: WallClock.now)
        guard !path.isEmpty else { return CurrentProcess.writeError(line) }
        do {
            let file = try Files.open(path, [.writeOnly, .create, .append], mode: 0o644)
            try file.writeAll(line)
        } catch {
            // runc's callers look at standard error, too.
            CurrentProcess.writeError(Array("\(error)\n".utf8))
        }
    }

    /// A line as logrus writes it. Pure.
    static func line(_ level: Level, _ message: String, _ format: Format, at time: Int64) -> [UInt8] {
        let moment = Moment(nanosecondsSince1970: time).description.prefix(19) + "Z"
        switch format {
        case .json:
            let value = JSONValue.members([
                "level": .string(level.rawValue), "msg": .string(message), "time": .string(String(moment)),
            ])
            return Array((value.serialized + "\n").utf8)
        case .text:
            let text = JSONValue.string(message).serialized
            return Array("time=\"\(moment)\" level=\(level.rawValue) msg=\(text)\n".utf8)
        }
    }
}
