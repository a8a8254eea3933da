/// What logrus, skopeo's logger, puts around a message: `time="…" level=fatal msg="…"`. Pure.
enum LoggerFrame {
    /// Messages within messages that are looked at.
    private static let maximumDepth = 4

    /// `text` with the message alone, unquoted, in the place of each frame.
    static func removed(from text: String) -> String {
        var text = text
        for _ in 0..<maximumDepth {
            guard let next = firstRemoved(from: text) else { break }
            text = next
        }
        return text
    }

    private static func firstRemoved(from text: String) -> String? {
        for level in text.ranges(of: "level=") {
            let afterLevel = text[level.upperBound...].drop { $0.isLetter }
            guard afterLevel.startIndex > level.upperBound, afterLevel.hasPrefix(" msg=") else { continue }
            var before = text[..<level.lowerBound]
            if before.hasSuffix("\" "), let time = before.ranges(of: "time=\"").last {
                before = before[..<time.lowerBound]
            }
            let (message, rest) = value(afterLevel.dropFirst(" msg=".count))
            return before + message + rest
        }
        return nil
    }

    /// A value, which is quoted as Go's `%q` does it if it is more than a word, and what follows it. Without the closing
    /// quote it goes to the end.
    private static func value(_ text: Substring) -> (value: String, rest: Substring) {
        guard text.first == "\"" else {
            let value = text.prefix { !$0.isWhitespace }
            return (String(value), text[value.endIndex...])
        }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst(), character != "\"" {
            guard character == "\\" else {
                value.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n", "t", "r": value.append(" ")
            case "\"": value.append("\"")
            case "\\": value.append("\\")
            // A character that cannot be printed stays written out.
            case let other?: value += "\\\(other)"
            case nil: break
            }
        }
        return (value, rest)
    }
}
