import NearestName

/// A command line that cannot be carried out. `description` is one line for the person who typed it: what is wrong,
/// with what, and where to read on. What they typed is quoted shortened, without control characters.
public struct UsageError: Error, Equatable, CustomStringConvertible {
    /// What is wrong. Options carry their dashes.
    public enum Problem: Equatable, Sendable {
        /// Nothing known is called so; `nearest` is what may have been meant.
        case unknownOption(String, nearest: String?)
        /// Declared at `owner`, an outer command: it has to stand before `verb`.
        case misplacedOption(String, owner: String, verb: String)
        /// Does not exist here yet.
        case unsupportedOption(String, instead: String)
        /// The command line ends where the value should be.
        case missingValue(option: String, placeholder: String)
        /// A flag with something behind `=` that is no boolean.
        case badBoolean(option: String, value: String)
        /// None of the values that the option takes.
        case valueNotAllowed(option: String, value: String, allowed: [String])
        /// The value's own syntax.
        case invalidValue(option: String, ValueError)
        /// No verb is called so.
        case unknownCommand(String, nearest: String?)
        /// Is not there, and known from elsewhere.
        case unsupportedCommand(UnsupportedCommand)
        /// Too few operands; the required ones by name.
        case missingOperands(required: [String])
        /// `first` is one more than the command takes.
        case tooManyOperands(first: String, limit: Int)
    }

    /// As typed up to the problem: `bulkhead run`.
    public let command: String
    /// What is wrong.
    public let problem: Problem

    /// For checks that only a verb can make, such as `.invalidValue`.
    public init(command: String, problem: Problem) {
        self.command = command
        self.problem = problem
    }

    public var description: String {
        let ending = text.utf8.last == UInt8(ascii: "?") ? "" : "."
        return "\(text)\(ending) See '\(command) --help'."
    }

    /// Without the full stop.
    private var text: String {
        switch problem {
        case .unknownOption(let option, let nearest):
            "unknown flag \(shown(option)) for \"\(command)\"\(question(nearest))"
        case .misplacedOption(let option, let owner, let verb):
            "flag \(shown(option)) is one of \"\(owner)\": it goes before \"\(verb)\""
        case .unsupportedOption(let option, let instead):
            "\(option) is not supported by \"\(command)\" yet: \(instead)"
        case .missingValue(let option, let placeholder):
            "flag \(option) for \"\(command)\" needs a value (\(placeholder))"
        case .badBoolean(let option, let value):
            "flag \(option) for \"\(command)\" is on or off: \"\(shown(value))\" is neither true nor false"
        case .valueNotAllowed(let option, let value, let allowed):
            "\(option) for \"\(command)\" cannot be \"\(shown(value))\": "
                + "it is \(listed(allowed, "or"))\(suggestion(value, allowed))"
        case .invalidValue(let option, let error):
            "\(option) for \"\(command)\": \(error)"
        case .unknownCommand(let name, let nearest):
            "unknown command \"\(shown(name))\" for \"\(command)\"\(question(nearest))"
        case .unsupportedCommand(let missing):
            (missing.isToCome
                ? "\"\(command) \(missing.name)\" is not there yet: " : "there is no \"\(command) \(missing.name)\": ")
                + missing.instead
        case .missingOperands(let required):
            "\"\(command)\" needs \(listed(required, "and"))"
        case .tooManyOperands(let first, 0):
            "\"\(command)\" takes no arguments, but \"\(shown(first))\" was given"
        case .tooManyOperands(let first, let limit):
            "\"\(command)\" takes at most \(limit) argument\(limit == 1 ? "" : "s"): "
                + "\"\(shown(first))\" is one too many"
        }
    }

    private func question(_ nearest: String?) -> String { nearest.map { ": did you mean \($0)?" } ?? "" }

    private func suggestion(_ value: String, _ allowed: [String]) -> String {
        NearestName.find(value, among: allowed).map { "; did you mean \($0)?" } ?? ""
    }
}

/// Text that somebody else chose, fit for a message of one line: at most 80 characters, nothing that moves a cursor.
func shown(_ text: String) -> String {
    let limit = 80
    var result = ""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == limit { return result + "…" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// `a`, `a and b`, `a, b and c`.
func listed(_ names: [String], _ word: String) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " \(word) \(last)"
}
