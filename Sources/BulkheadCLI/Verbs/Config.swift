import CommandTree
import Configuration
import FrontEnd

/// `bulkhead config`: what is in force, as a configuration file.
enum Config {
    static let command = Command(
        "config", "Show the configuration that is in force",
        description: "It is read from \(Configuration.defaultPath), or from the file that BULKHEAD_CONFIG names, which "
            + "must be there then; --root and --state-dir, before the command, win over the file.",
        group: Verbs.host)

    static func run(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        var text = host.settings.render()
        while text.hasSuffix("\n") { text.removeLast() }
        try say(text)
        return 0
    }
}
