import CommandTree
import FrontEnd
import JSON
import Linux
import Monitor

/// `bulkhead version`.
enum Version {
    static let command = Command(
        "version", "Show the version", group: Verbs.host,
        options: [
            Option("format", .value("FORMAT"), "How it is shown", allowedValues: ["text", "json"], defaultText: "text")
        ])

    static let text = "bulkhead version \(BulkheadVersion.text)"

    static func run(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        if arguments.value("format") == "json" {
            try say(JSONValue.members(["Version": .string(BulkheadVersion.text)]).serialized)
        } else {
            try say(text)
        }
        return 0
    }
}
