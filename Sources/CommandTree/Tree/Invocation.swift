/// What a command line asks for.
public enum Outcome: Sendable, Equatable {
    /// Run a verb.
    case invoke(Invocation)
    /// Show the help of the command at `path`. `wasAskedFor` is false where a verb is missing: then it is an error,
    /// and belongs on standard error.
    case help(path: [String], wasAskedFor: Bool)
}

/// A verb and what it was given.
public struct Invocation: Sendable, Equatable {
    /// Verbs below the root, as `["image", "pull"]`; shorter where an option with `replacesCommand` was given.
    public let path: [String]
    /// Options of all nodes on the path, and operands.
    public let arguments: ParsedArguments
}

/// Options and operands of one invocation. Names are those of the declaration, without dashes; asking for a name that
/// no node on the path declares, or for another kind, is a mistake of the program and traps.
public struct ParsedArguments: Sendable, Equatable {
    /// One option as it was given.
    public struct Given: Sendable, Equatable {
        /// The option's first name.
        public let name: String
        /// The value; `true` or `false` for a flag.
        public let value: String
    }

    /// As typed, for messages: `bulkhead image pull`.
    public let commandName: String
    /// Arguments that are no options, in order.
    public internal(set) var operands: [String] = []
    /// All options in the order they were given.
    public internal(set) var given: [Given] = []
    private var kinds: [String: Option.Kind] = [:]

    init(commandName: String, options: [Option]) {
        self.commandName = commandName
        for option in options { kinds[option.name] = option.kind }
    }

    /// Whether the flag is on; `fallback` if it was not given.
    public func flag(_ name: String, default fallback: Bool = false) -> Bool {
        precondition(kinds[name] == .flag, "\(commandName) declares no flag --\(name)")
        return last(name).map { $0 == "true" } ?? fallback
    }

    /// The option's value, which may be empty; the last one if it was given several times, nil if it was not.
    public func value(_ name: String) -> String? {
        guard case .value = kinds[name] else { preconditionFailure("\(commandName) declares no value --\(name)") }
        return last(name)
    }

    /// All values of a repeated option in the order given.
    public func values(_ name: String) -> [String] {
        guard case .repeated = kinds[name] else {
            preconditionFailure("\(commandName) declares no repeated --\(name)")
        }
        return given.filter { $0.name == name }.map(\.value)
    }

    /// Whether the option was given, whatever its kind.
    public func isGiven(_ name: String) -> Bool {
        precondition(kinds[name] != nil, "\(commandName) declares no --\(name)")
        return last(name) != nil
    }

    /// The option's value as `parse` reads it; nil if it was not given.
    /// - Throws: `.invalidValue` with the option's name and what `parse` found.
    public func value<Value>(
        _ name: String, as parse: (String) throws(ValueError) -> Value
    ) throws(UsageError) -> Value? {
        guard let text = value(name) else { return nil }
        return try read(text, of: name, as: parse)
    }

    /// All values of a repeated option as `parse` reads them.
    /// - Throws: `.invalidValue` with the option's name and what `parse` found in the first bad one.
    public func values<Value>(
        _ name: String, as parse: (String) throws(ValueError) -> Value
    ) throws(UsageError) -> [Value] {
        var read: [Value] = []
        for text in values(name) { read.append(try self.read(text, of: name, as: parse)) }
        return read
    }

    private func read<Value>(
        _ text: String, of name: String, as parse: (String) throws(ValueError) -> Value
    ) throws(UsageError) -> Value {
        do { return try parse(text) } catch {
            throw UsageError(command: commandName, problem: .invalidValue(option: "--" + name, error))
        }
    }

    private func last(_ name: String) -> String? { given.last { $0.name == name }?.value }
}
