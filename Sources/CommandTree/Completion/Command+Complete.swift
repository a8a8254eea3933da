extension Command {
    /// What the last word of a command line may become, with this node as the root. It reads the words before as
    /// `parse` does, and takes no offence at what is wrong with them.
    ///
    /// - Parameter words: Without the program's name; the last one is what has been typed of it, perhaps nothing.
    public func completion(of words: [String]) -> Completion {
        var reader = CompletionReader(self)
        for word in words.dropLast() { reader.read(word) }
        return reader.complete(words.last ?? "")
    }
}

private struct CompletionReader {
    private var command: Command
    /// Takes the next word as its value.
    private var waiting: Option?
    private var operands: [String] = []
    private var optionsEnded = false
    /// Behind `help`, or behind a verb that is none.
    private var isForHelp = false
    private var isLost = false
    private var values: [String: String] = [:]

    init(_ root: Command) { command = root }

    mutating func read(_ word: String) {
        if let option = waiting {
            take(word, of: option)
            waiting = nil
        } else if !optionsEnded, word.utf8.count > 1, word.utf8.first == UInt8(ascii: "-") {
            readOption(word)
        } else if command.subcommands.isEmpty {
            operands.append(word)
            if command.optionsEndAtFirstOperand { optionsEnded = true }
        } else if let next = command.command(at: [word]) {
            command = next
            optionsEnded = false
        } else if word == "help" {
            isForHelp = true
        } else {
            isLost = true
        }
    }

    private mutating func readOption(_ word: String) {
        if word == "--" {
            optionsEnded = true
        } else if let (option, _, value) = attached(word) {
            take(value, of: option)
        } else {
            waiting = waitingOption(word)
        }
    }

    private mutating func take(_ value: String, of option: Option) { values[option.name] = value }

    private func option(named name: String) -> Option? { command.options.first { $0.names.contains(name) } }

    /// `--name=VALUE`, or `-nVALUE` behind any flags: the option, what stands before the value, the value.
    private func attached(_ word: String) -> (option: Option, prefix: String, value: String)? {
        if word.utf8.starts(with: "--".utf8) {
            let (name, behind) = word.cut(at: "=")
            guard let value = behind, let option = option(named: String(name.dropFirst(2))), option.kind != .flag else {
                return nil
            }
            return (option, name + "=", value)
        }
        guard let (option, end) = valueOption(inCluster: word), end != word.utf8.endIndex else { return nil }
        var start = end
        if word.utf8[end] == UInt8(ascii: "="), word.utf8.index(after: end) != word.utf8.endIndex {
            start = word.utf8.index(after: end)
        }
        return (option, String(word[..<start]), String(word[start...]))
    }

    /// The option whose value is the next word.
    private func waitingOption(_ word: String) -> Option? {
        if word.utf8.starts(with: "--".utf8) {
            return option(named: String(word.dropFirst(2))).flatMap { $0.kind == .flag ? nil : $0 }
        }
        return valueOption(inCluster: word)?.option
    }

    /// The first letter in `-itv` that takes a value, and where it ends.
    private func valueOption(inCluster word: String) -> (option: Option, end: String.Index)? {
        for index in word.utf8.indices.dropFirst() {
            guard let option = command.options.first(where: { $0.short?.asciiValue == word.utf8[index] }) else {
                return nil
            }
            if option.kind != .flag { return (option, word.utf8.index(after: index)) }
        }
        return nil
    }

    func complete(_ word: String) -> Completion {
        var completion = Completion()
        completion.values = values
        completion.begun = word
        if isLost { return completion }
        if let option = waiting {
            complete(option.completable, into: &completion)
        } else if !optionsEnded, word.utf8.first == UInt8(ascii: "-"), !isForHelp {
            guard let (option, prefix, value) = attached(word) else {
                completion.add(optionNames(all: word == "-"))
                return completion
            }
            (completion.prefix, completion.begun) = (prefix, value)
            complete(option.completable, into: &completion)
        } else if !command.subcommands.isEmpty {
            completion.add(
                command.subcommands.filter { !$0.isHidden }.map { Completion.Candidate($0.name, $0.summary) })
        } else if !isForHelp, let operand = command.operand(at: operands.count) {
            if operand.count == .any || operand.count == .atLeastOne { completion.taken = Set(operands) }
            complete(operand.completable, into: &completion)
        }
        return completion
    }

    private func complete(_ completable: Completable, into completion: inout Completion) {
        switch completable {
        case .choices(let choices): completion.add(choices.map { Completion.Candidate($0) })
        case .fileBeforeColon:
            if !completion.begun.utf8.contains(UInt8(ascii: ":")) { completion.lookUp = .file }
        case .nothing, .container, .image, .pod, .podOrContainer, .template, .file, .directory, .fileOrContainer:
            completion.lookUp = completable
        }
    }

    /// Letters only where a dash is all there is: whoever has typed one knows it.
    private func optionNames(all: Bool) -> [Completion.Candidate] {
        let options = command.options.filter { !$0.isHidden }
        let names = options.flatMap { option in option.names.map { Completion.Candidate("--" + $0, option.summary) } }
        let letters = options.compactMap { option in
            option.short.map { Completion.Candidate("-\($0)", option.summary) }
        }
        return names + [Completion.Candidate("--help", "Show this help")] + (all ? letters : [])
    }
}

extension Command {
    /// The operand that the argument with this number, from 0 on, belongs to.
    fileprivate func operand(at index: Int) -> Operand? {
        guard index >= operands.count else { return operands[index] }
        return operands.last.flatMap { $0.count == .any || $0.count == .atLeastOne ? $0 : nil }
    }
}

extension Operand {
    fileprivate var completable: Completable { completes ?? .named(name) }
}

extension Option {
    fileprivate var completable: Completable {
        if !allowedValues.isEmpty { return .choices(allowedValues) }
        return completes ?? .named(placeholder ?? "")
    }
}
