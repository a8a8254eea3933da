import CommandTree
import ContainerStore
import FrontEnd
import Images
import Linux

/// `bulkhead completion`, and the hidden verb that the scripts it prints call.
enum ShellCompletion {
    static let command = Command(
        "completion", "Print what makes a shell complete command lines", group: Verbs.host,
        operands: [Operand("SHELL", .one, "bash, zsh or fish", completes: .choices(shells))],
        examples: [
            "source <(bulkhead completion bash)",
            "bulkhead completion fish >~/.config/fish/completions/bulkhead.fish",
        ])

    private static let shells = Shell.allCases.map(\.rawValue)

    static func run(_ arguments: ParsedArguments) throws -> Int32 {
        let name = arguments.operands[0]
        guard let shell = Shell(rawValue: name) else {
            let error = ValueError.unknownName(what: "shell", value: name, known: shells)
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
        try CurrentProcess.standardStream(1).writeAll(Array(shell.completionScript(for: Verbs.tree.name).utf8))
        return 0
    }

    static let answer = Command(
        Shell.verb, "Say what the last of the words may become", operands: [Operand("WORD", .any)],
        optionsEndAtFirstOperand: true, isHidden: true)

    /// Silent whatever happens: somebody is just typing.
    static func answer(_ host: Host, _ arguments: ParsedArguments) -> Int32 {
        var completion = Verbs.tree.completion(of: arguments.operands)
        if CurrentProcess.user == 0 {
            var host = host
            if let root = completion.values["root"] { host.root = root }
            completion.add(host.names(of: completion.lookUp))
        }
        // Nobody reads it any more.
        try? CurrentProcess.standardStream(1).writeAll(Array(completion.answer.utf8))
        return 0
    }
}

extension Host {
    /// What this host has of that kind, as far as it can be read; paths are the shell's.
    fileprivate func names(of kind: Completable) -> [Completion.Candidate] {
        switch kind {
        case .container:
            ContainerStore(root: root, state: state).all().map { Completion.Candidate($0.record.name, $0.record.image) }
        case .image:
            ((try? images().list().images) ?? []).flatMap(\.familiarNames).map { Completion.Candidate($0) }
        case .pod: PodStore(root: root, state: state).all().map { Completion.Candidate($0.record.name) }
        case .template: ((try? templates.ids()) ?? []).map { Completion.Candidate(String($0.prefix(12))) }
        case .fileOrContainer: names(of: .container).map { Completion.Candidate($0.text + ":", $0.summary) }
        case .podOrContainer: names(of: .pod) + names(of: .container)
        case .nothing, .file, .directory, .fileBeforeColon, .choices: []
        }
    }
}
