import CommandTree
import EventLoop

/// `bulkhead logs`.
@EventLoop enum Logs {
    nonisolated static let command = Command(
        "logs", "Show what a container has written", group: Verbs.containers, operands: [Operand("CONTAINER")],
        options: [
            Option("follow", short: "f", .flag, "Go on until the container has ended"),
            Option("tail", short: "n", .value("LINES"), "Only the last lines", defaultText: "all"),
        ],
        notYet: [
            UnsupportedOption("since", instead: "use --tail"), UnsupportedOption("until", instead: "use --tail"),
            UnsupportedOption("timestamps", short: "t", takesValue: false, instead: "the log in the container's record has them"),
            UnsupportedOption("details", takesValue: false, instead: "use inspect"),
        ])

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 { 0 }
}
