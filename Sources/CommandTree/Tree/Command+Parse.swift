import NearestName

extension Command {
    /// Reads a command line as docker does (pflag's rules), with this node as the root.
    ///
    /// `--name X`, `--name=X`, `-e X`, `-eX`, `-e=X`, clusters such as `-itv/a:/b`, flags as `--rm=false`. A value is
    /// whatever comes next, even if it begins with a dash. `--` ends the options, a lone `-` is an operand. `--help`,
    /// and `-h` where no option took that letter, ask for help up to where the options end; so does `help run`.
    /// What stands behind a group's option with `replacesCommand`, from the verb on, is not read.
    ///
    /// - Parameter arguments: Without the program's name. Time and memory are linear in their size.
    /// - Throws: The first error from the left.
    public func parse(_ arguments: [String]) throws(UsageError) -> Outcome {
        var parser = ArgumentParser(root: self, arguments: arguments)
        return try parser.run()
    }
}

/// One pass from left to right: at each node its options, then a verb that leads to the next node, or operands.
private struct ArgumentParser {
    private var rest: ArraySlice<String>
    private var level: ParserLevel
    private var outer: [ParserLevel] = []
    private var path: [String] = []
    private var given: [ParsedArguments.Given] = []
    private var operands: [String] = []
    private var optionsEnded = false
    private var replacesCommand = false
    private let takesLongNamesBehindOneDash: Bool

    init(root: Command, arguments: [String]) {
        rest = arguments[...]
        takesLongNamesBehindOneDash = root.takesLongNamesBehindOneDash
        level = ParserLevel(root, commandName: root.name)
    }

    mutating func run() throws(UsageError) -> Outcome {
        while let argument = rest.popFirst() {
            let isOption = !optionsEnded && argument.utf8.count > 1 && argument.utf8.first == UInt8(ascii: "-")
            if isOption, argument == "--" {
                optionsEnded = true
            } else if isOption {
                let asksForHelp =
                    if argument.utf8.starts(with: "--".utf8) {
                        try takeLong(argument)
                    } else if takesLongNamesBehindOneDash, isLong(argument) {
                        try takeLong("-" + argument)
                    } else {
                        try takeCluster(argument)
                    }
                if asksForHelp { return .help(path: path, wasAskedFor: true) }
            } else if level.command.subcommands.isEmpty {
                operands.append(argument)
                if level.command.optionsEndAtFirstOperand { optionsEnded = true }
            } else if replacesCommand {
                break
            } else if argument == "help", level.command.command(at: ["help"]) == nil {
                return try helpForRest()
            } else {
                try descend(to: argument)
            }
        }
        guard replacesCommand || level.command.subcommands.isEmpty else {
            return .help(path: path, wasAskedFor: false)
        }
        if !replacesCommand { try checkOperands() }
        var parsed = ParsedArguments(
            commandName: level.commandName, options: (outer + [level]).flatMap(\.command.options))
        parsed.operands = operands
        parsed.given = given
        return .invoke(Invocation(path: path, arguments: parsed))
    }

    private mutating func descend(to verb: String) throws(UsageError) {
        guard let next = level.command.subcommands.first(where: { $0.name == verb }) else {
            if let missing = level.command.notYetCommands.first(where: { $0.name == verb }) {
                throw level.error(.unsupportedCommand(missing))
            }
            let known = level.command.subcommands.filter { !$0.isHidden }.map(\.name)
            throw level.error(.unknownCommand(verb, nearest: NearestName.find(verb, among: known)))
        }
        outer.append(level)
        path.append(verb)
        level = ParserLevel(next, commandName: level.commandName + " " + verb)
        optionsEnded = false
    }

    /// `help run`: the rest is a path. Options in it are nobody's and do not matter.
    private mutating func helpForRest() throws(UsageError) -> Outcome {
        while let verb = rest.popFirst() {
            if verb.utf8.first != UInt8(ascii: "-") { try descend(to: verb) }
        }
        return .help(path: path, wasAskedFor: true)
    }

    /// Whether a known name stands behind its one dash.
    private func isLong(_ argument: String) -> Bool {
        let name = argument.utf8.dropFirst().prefix { $0 != UInt8(ascii: "=") }
        return name.count > 1 && level.byName[String(Substring(name))] != nil
    }

    /// True if it asks for help.
    private mutating func takeLong(_ argument: String) throws(UsageError) -> Bool {
        let body = argument.utf8.dropFirst(2)
        let separator = body.firstIndex(of: UInt8(ascii: "="))
        let name = String(argument[body.startIndex..<(separator ?? body.endIndex)])
        let attached = separator.map { String(argument[body.index(after: $0)...]) }
        if let option = level.byName[name] {
            if option.kind == .flag {
                try takeFlag(option, spelled: "--" + name, value: attached)
            } else {
                try takeValue(option, spelled: "--" + name, attached: attached)
            }
            return false
        }
        if name == "help" { return try boolean(attached, of: "--help") }
        if let missing = level.unsupportedByName[name] {
            try refuse(missing, spelled: "--" + name, value: attached)
            return false
        }
        throw unknown("--" + name, name: name)
    }

    /// `-itv/a:/b`; true if a letter in it asks for help.
    private mutating func takeCluster(_ argument: String) throws(UsageError) -> Bool {
        var letters = argument.utf8.dropFirst()
        while let letter = letters.popFirst() {
            let spelled = "-" + String(Unicode.Scalar(letter))
            // As in pflag, `-e=` has the value "=", and only something behind it makes the sign a separator.
            let attached = letters.count > 1 && letters.first == UInt8(ascii: "=") ? letters.dropFirst() : nil
            if let option = level.byShort[letter] {
                if option.kind == .flag {
                    try takeFlag(option, spelled: spelled, value: attached.map { String(argument[$0.startIndex...]) })
                    if attached != nil { return false }
                    continue
                }
                let value = letters.isEmpty ? nil : String(argument[(attached ?? letters).startIndex...])
                try takeValue(option, spelled: spelled, attached: value)
                return false
            }
            if letter == UInt8(ascii: "h") { return true }
            if let missing = level.unsupportedByShort[letter] {
                try refuse(missing, spelled: spelled, value: attached.map { String(argument[$0.startIndex...]) })
                return false
            }
            // A long name behind one dash is the likelier slip than a cluster of letters nobody knows.
            let name = String(decoding: argument.utf8.dropFirst(), as: UTF8.self)
            if letter >= 0x80 || level.byName[name] != nil { throw unknown(argument, name: name) }
            throw unknown(spelled, name: name)
        }
        return false
    }

    private mutating func takeFlag(_ option: Option, spelled: String, value: String?) throws(UsageError) {
        let isOn = try boolean(value, of: spelled)
        given.append(ParsedArguments.Given(name: option.name, value: isOn ? "true" : "false"))
        if option.replacesCommand { replacesCommand = isOn }
    }

    private mutating func takeValue(_ option: Option, spelled: String, attached: String?) throws(UsageError) {
        guard let value = attached ?? rest.popFirst() else {
            throw level.error(.missingValue(option: spelled, placeholder: option.placeholder ?? ""))
        }
        guard option.allowedValues.isEmpty || option.allowedValues.contains(value) else {
            throw level.error(.valueNotAllowed(option: spelled, value: value, allowed: option.allowedValues))
        }
        given.append(ParsedArguments.Given(name: option.name, value: value))
        if option.replacesCommand { replacesCommand = true }
    }

    /// A flag with nothing behind it is on.
    private func boolean(_ text: String?, of option: String) throws(UsageError) -> Bool {
        guard let text else { return true }
        guard let value = Boolean.parse(text) else { throw level.error(.badBoolean(option: option, value: text)) }
        return value
    }

    private func refuse(_ missing: UnsupportedOption, spelled: String, value: String?) throws(UsageError) {
        if !missing.takesValue, value.map(Boolean.parse) ?? true == missing.isOn { return }
        throw level.error(.unsupportedOption(spelled, instead: missing.instead))
    }

    private func unknown(_ spelled: String, name: String) -> UsageError {
        let letter = spelled.utf8.count == 2 ? spelled.utf8.last : nil
        for (distance, owner) in outer.reversed().enumerated() {
            let isThere = letter.map { owner.byShort[$0] != nil } ?? (owner.byName[name] != nil)
            guard isThere else { continue }
            let verb = path[path.count - 1 - distance]
            return level.error(.misplacedOption(spelled, owner: owner.commandName, verb: verb))
        }
        let candidates = level.command.options.filter { !$0.isHidden }.flatMap(\.names) + ["help"]
        // One letter says too little to guess a name from.
        let nearest = name.utf8.count < 2 ? nil : NearestName.find(name, among: candidates)
        return level.error(.unknownOption(spelled, nearest: nearest.map { "--" + $0 }))
    }

    private func checkOperands() throws(UsageError) {
        let declared = level.command.operands
        let required = declared.filter(\.isRequired)
        guard operands.count >= required.count else {
            throw level.error(.missingOperands(required: required.map(\.name)))
        }
        let isBounded = declared.allSatisfy { $0.count == .one || $0.count == .optional }
        if isBounded, operands.count > declared.count {
            throw level.error(.tooManyOperands(first: operands[declared.count], limit: declared.count))
        }
    }
}

/// A node with its options by name; of equal names the first counts.
private struct ParserLevel {
    let command: Command
    let commandName: String
    private(set) var byName: [String: Option] = [:]
    private(set) var byShort: [UInt8: Option] = [:]
    private(set) var unsupportedByName: [String: UnsupportedOption] = [:]
    private(set) var unsupportedByShort: [UInt8: UnsupportedOption] = [:]

    init(_ command: Command, commandName: String) {
        self.command = command
        self.commandName = commandName
        for option in command.options.reversed() {
            for name in option.names { byName[name] = option }
            if let letter = option.short?.asciiValue { byShort[letter] = option }
        }
        for missing in command.notYet.reversed() {
            unsupportedByName[missing.name] = missing
            if let letter = missing.short?.asciiValue { unsupportedByShort[letter] = missing }
        }
    }

    func error(_ problem: UsageError.Problem) -> UsageError { UsageError(command: commandName, problem: problem) }
}
