import CommandTree
import SeededRandom
import Testing

@Suite struct CompletionTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let words: [String]
        var candidates: [String] = []
        var lookUp = Completable.nothing
        var prefix = ""
        var testDescription: String { words.joined(separator: " ") + "|" }

        init(_ line: String, _ candidates: [String] = [], _ lookUp: Completable = .nothing, prefix: String = "") {
            words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            (self.candidates, self.lookUp, self.prefix) = (candidates, lookUp, prefix)
        }
    }

    private static let verbs = ["run", "exec", "logs", "rm", "image", "version"]

    @Test(arguments: [
        Row("", verbs), Row("r", ["run", "rm"]), Row("run", ["run"]), Row("runn"), Row("rmi"),
        Row("image ", ["pull", "ls"]),
        Row("image p", ["pull"]), Row("nothing "), Row("nothing r"), Row("image nothing "),
        // Options of the node, and of no other.
        Row("--", ["--root", "--debug", "--version", "--help"]), Row("--r", ["--root"]),
        Row("-", ["--root", "--debug", "--version", "--help", "-D", "-v"]), Row("-D"), Row("-Dv"),
        Row("logs --", ["--follow", "--tail", "--help"]), Row("logs -", ["--follow", "--tail", "--help", "-f", "-n"]),
        Row("-D --root /x logs --f", ["--follow"]), Row("run --t", ["--tty"]), Row("run --ne", ["--network", "--net"]),
        Row("run --p", ["--pull"]),
        // Values.
        Row("--root ", [], .directory), Row("--root=", [], .directory, prefix: "--root="),
        Row("--root=/t", [], .directory, prefix: "--root="), Row("--root /tmp ", verbs), Row("--root=/tmp ", verbs),
        Row("--root run lo", ["logs"]), Row("--root -- ", verbs), Row("--debug=", []), Row("--debug=t"),
        Row("run --pull ", ["always", "missing", "never"]), Row("run --pull n", ["never"]),
        Row("run --pull=m", ["--pull=missing"], prefix: "--pull="), Row("run --pull=x", [], prefix: "--pull="),
        Row("run -v ", [], .file), Row("run -v /a", [], .file), Row("run -v /a:", []), Row("run -itv ", [], .file),
        Row("run -v/a", [], .file, prefix: "-v"), Row("run -itv=/a", [], .file, prefix: "-itv="),
        Row("run -v=", [], .file, prefix: "-v"), Row("run -e "), Row("run -e --pull ", [], .image),
        Row("run --unknown ", [], .image),
        Row("run --rm ", [], .image), Row("run --rm=false b", [], .image), Row("run -it b", [], .image),
        Row("run -e A=B b", [], .image), Row("run -eA=B b", [], .image), Row("run -x b", [], .image),
        // Operands.
        Row("logs ", [], .container), Row("logs w", [], .container), Row("logs web "), Row("logs web --t", ["--tail"]),
        Row("rm web d", [], .container), Row("rm -- -", [], .container), Row("rm -- --f", [], .container),
        Row("run box "), Row("run box --rm"), Row("run box sh -"), Row("exec web --t"), Row("version "),
        Row("version --", ["--help"]),
        Row("image pull ", [], .image), Row("image pull a "), Row("image ls "),
        // Help.
        Row("help ", verbs), Row("help ima", ["image"]), Row("help image ", ["pull", "ls"]), Row("help run "),
        Row("help run --"),
        Row("help --x r", ["run", "rm"]),
    ]) func aWordBecomes(_ row: Row) {
        let completion = SampleTree.root.completion(of: row.words)
        #expect(completion.candidates.map(\.text) == row.candidates)
        #expect(completion.lookUp == row.lookUp)
        if row.lookUp != .nothing || row.prefix != "" { #expect(completion.prefix == row.prefix) }
    }

    @Test func whatIsLookedUpIsFilteredAndPrefixed() {
        var completion = SampleTree.root.completion(of: ["--root=/x", "rm", "web", "w"])
        #expect(completion.values == ["root": "/x"])
        completion.add([.init("web", "busybox"), .init("wall", "debian"), .init("db")])
        #expect(completion.candidates == [.init("wall", "debian")])
        #expect(completion.answer == "words\nwall\tdebian\n")
        // A value of an option may be given again.
        completion = SampleTree.root.completion(of: ["run", "--pull=never", "--pull=n"])
        #expect(completion.answer == "words\n--pull=never\t\n")
        #expect(SampleTree.root.completion(of: []).candidates.count == Self.verbs.count)
    }

    @Test func theAnswerSaysHowPathsAreCompleted() {
        #expect(SampleTree.root.completion(of: ["--root="]).answer == "directories --root=\n")
        #expect(SampleTree.root.completion(of: ["run", "-v", "/x"]).answer == "files \n")
        #expect(SampleTree.root.completion(of: ["version", ""]).answer == "words\n")
    }

    @Test(arguments: [
        "a b", "a\nb", "a\tb", "$(id)", "`id`", "a;b", "a'b", "a\"b", "~a", "a*", "é", "a\\b", "a#b", "<a",
    ])
    func whatAShellWouldHaveToQuoteIsNotOffered(_ name: String) {
        var completion = SampleTree.root.completion(of: ["rm", ""])
        completion.add([.init(name), .init("docker.io/library/box_1:la-test@sha256")])
        #expect(completion.answer == "words\ndocker.io/library/box_1:la-test@sha256\t\n")
    }

    @Test func kindsAreSaidByNamesOrByThemselves() {
        func lookUp(_ operand: Operand) -> Completion {
            Command("x", "X", operands: [operand]).completion(of: [""])
        }
        #expect(lookUp(Operand("POD")).lookUp == .pod)
        #expect(lookUp(Operand("FILE", .any)).lookUp == .file)
        #expect(lookUp(Operand("FILE", completes: .nothing)).lookUp == .nothing)
        #expect(lookUp(Operand("THING", completes: .container)).lookUp == .container)
        #expect(lookUp(Operand("SIGNAL")).candidates.prefix(2).map(\.text) == ["HUP", "INT"])
        #expect(lookUp(Operand("SHELL", completes: .choices(["a", "b"]))).candidates.map(\.text) == ["a", "b"])
        #expect(lookUp(Operand("HOST:CTR[:ro]")).lookUp == .file)
    }

    @Test func hiddenNodesAreForProgramsOnly() throws {
        let root = Command(
            "x", "X", subcommands: [Command("shown", "S"), Command("__hidden", "H", isHidden: true)])
        #expect(root.completion(of: [""]).candidates.map(\.text) == ["shown"])
        #expect(root.completion(of: ["__"]).candidates.isEmpty)
        #expect(!root.helpText(for: []).contains("hidden"))
        #expect(try root.parse(["__hidden"]) != root.parse(["shown"]))
        let error = #expect(throws: UsageError.self) { _ = try root.parse(["__hiden"]) }
        #expect(error?.problem == .unknownCommand("__hiden", nearest: nil))
    }

    @Test(arguments: Shell.allCases) func scriptsAreOfTheProgram(_ shell: Shell) {
        let script = shell.completionScript(for: "prog")
        #expect(script.contains("__complete -- ") && script.contains("prog") && script.hasSuffix("\n"))
        #expect(!script.contains("\\#") && !script.contains("eval ") && !script.contains("bulkhead"))
    }

    @Test func whateverIsTypedIsCompleted() {
        let parts = [
            "run", "image", "help", "--", "-", "--root", "--root=", "-e", "-itv", "-v=", "=", "", "é", "\0", "--é=",
            "x:y",
        ]
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let words = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                (parts.randomElement(using: &generator) ?? "") + (parts.randomElement(using: &generator) ?? "")
            }
            _ = SampleTree.root.completion(of: words).answer
        }
    }
}
