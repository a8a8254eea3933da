/// One node of a command line: the program itself, a group such as `image`, or a verb. Declared once; parsing
/// (`parse`), help (`helpText`) and errors come from it. It prints nothing and runs nothing: who declares it does.
public struct Command: Sendable {
    /// As it is typed: `run`. The root's is the program's name.
    public var name: String
    /// One line without a full stop, for lists of commands.
    public var summary: String
    /// More, for the command's own help; paragraphs are separated by line feeds. Empty: only the summary.
    public var description: String
    /// Title of the group among its siblings in the parent's help; nil for the first, untitled one.
    public var group: String?
    /// What follows the options, in order. Empty together with `subcommands`: none are taken.
    public var operands: [Operand]
    /// In the order help shows them. An option of a group or of the root stands before the next verb only.
    public var options: [Option]
    /// Options that users know from elsewhere and that do not exist here yet.
    public var notYet: [UnsupportedOption]
    /// Commands below it that users know from elsewhere and that are not there.
    public var notYetCommands: [UnsupportedCommand]
    /// Nodes below; a command that has some takes no operands.
    public var subcommands: [Command]
    /// Whether everything behind the first operand belongs to it, as for `run IMAGE COMMAND -x`.
    public var optionsEndAtFirstOperand: Bool
    /// At the root: `-name` is `--name`, and letters do not combine, as with Go's flags.
    public var takesLongNamesBehindOneDash = false
    /// Whole command lines for the help.
    public var examples: [String]
    /// Whether help and suggestions leave it out: for programs, not for people.
    public var isHidden: Bool

    /// A node; whether the declaration holds together is told by `mistakes`.
    public init(
        _ name: String, _ summary: String, description: String = "", group: String? = nil, operands: [Operand] = [],
        options: [Option] = [], notYet: [UnsupportedOption] = [],
        notYetCommands: [UnsupportedCommand] = [], subcommands: [Command] = [], optionsEndAtFirstOperand: Bool = false,
        examples: [String] = [], isHidden: Bool = false
    ) {
        self.name = name
        self.summary = summary
        self.description = description
        self.group = group
        self.operands = operands
        self.options = options
        self.notYet = notYet
        self.notYetCommands = notYetCommands
        self.subcommands = subcommands
        self.optionsEndAtFirstOperand = optionsEndAtFirstOperand
        self.examples = examples
        self.isHidden = isHidden
    }
}

/// What a command acts on: an argument that is no option.
public struct Operand: Sendable, Equatable {
    /// How many arguments it takes.
    public enum Count: Sendable, Equatable {
        /// Exactly one.
        case one
        /// None or one.
        case optional
        /// Any number, none too.
        case any
        /// One or more.
        case atLeastOne
    }

    /// For usage lines, in capitals: `IMAGE`.
    public var name: String
    /// How many; after one that is not `.one` no required one may come.
    public var count: Count
    /// One line without a full stop; empty: it needs no explanation and is not listed.
    public var summary: String
    /// What shells complete it with; nil: what its name says.
    public var completes: Completable?

    /// An operand of a usage line.
    public init(_ name: String, _ count: Count = .one, _ summary: String = "", completes: Completable? = nil) {
        self.name = name
        self.count = count
        self.summary = summary
        self.completes = completes
    }

    var isRequired: Bool { count == .one || count == .atLeastOne }

    /// `IMAGE`, `[COMMAND]`, `[ARG...]`, `CONTAINER [CONTAINER...]`.
    var usage: String {
        switch count {
        case .one: name
        case .optional: "[\(name)]"
        case .any: "[\(name)...]"
        case .atLeastOne: "\(name) [\(name)...]"
        }
    }
}

/// An option of one command: `-e, --env KEY=VALUE`.
public struct Option: Sendable, Equatable {
    /// What an option takes.
    public enum Kind: Sendable, Equatable {
        /// Nothing, or a boolean behind `=`.
        case flag
        /// One value with that name in the help; of several the last counts.
        case value(String)
        /// A value each time it is given, with that name in the help.
        case repeated(String)
    }

    /// Without dashes; the first is the one that results, help and errors use.
    public var names: [String]
    /// An ASCII letter or digit.
    public var short: Character?
    /// Whether it takes values.
    public var kind: Kind
    /// One line without a full stop.
    public var summary: String
    /// The only values it takes; empty: any.
    public var allowedValues: [String]
    /// What shells complete its value with; nil: what the value's name says.
    public var completes: Completable?
    /// What holds without it, for the help.
    public var defaultText: String?
    /// Whether help and suggestions leave it out.
    public var isHidden: Bool
    /// Whether it asks for an answer of its own (`--version`): then no verb and no operands are needed.
    public var replacesCommand: Bool

    /// An option; `others` are further long names with the same meaning.
    public init(
        _ name: String, others: [String] = [], short: Character? = nil, _ kind: Kind, _ summary: String,
        allowedValues: [String] = [], completes: Completable? = nil, defaultText: String? = nil,
        isHidden: Bool = false, replacesCommand: Bool = false
    ) {
        self.names = [name] + others
        self.short = short
        self.kind = kind
        self.summary = summary
        self.allowedValues = allowedValues
        self.completes = completes
        self.defaultText = defaultText
        self.isHidden = isHidden
        self.replacesCommand = replacesCommand
    }

    /// The name that results, help and errors use.
    public var name: String { names.first ?? "" }

    /// What the value is called; nil for a flag.
    var placeholder: String? {
        switch kind {
        case .flag: nil
        case .value(let placeholder), .repeated(let placeholder): placeholder
        }
    }
}

/// An option that exists elsewhere and not here yet: using it says what to do instead of "unknown flag".
public struct UnsupportedOption: Sendable, Equatable {
    /// Without dashes.
    public var name: String
    /// An ASCII letter or digit.
    public var short: Character?
    /// A flag that takes no value may be given as `=false`: then nothing is missing.
    public var takesValue: Bool
    /// Of a flag: what it asks for happens anyway, and only `=false` is missing.
    public var isOn: Bool
    /// What to do instead; a sentence part without a full stop.
    public var instead: String

    /// An option that is refused by name.
    public init(
        _ name: String, short: Character? = nil, takesValue: Bool = true, isOn: Bool = false, instead: String
    ) {
        self.name = name
        self.short = short
        self.takesValue = takesValue
        self.isOn = isOn
        self.instead = instead
    }
}

/// A command that exists elsewhere and not here: typing it says what to do instead of "unknown command".
public struct UnsupportedCommand: Sendable, Equatable {
    /// As it is typed.
    public var name: String
    /// Whether it is to come; otherwise what it does has another name here.
    public var isToCome: Bool
    /// What to do instead; a sentence part without a full stop.
    public var instead: String

    /// A command that is refused by name.
    public init(_ name: String, isToCome: Bool, instead: String) {
        self.name = name
        self.isToCome = isToCome
        self.instead = instead
    }
}
