import EventLoop
import Linux
import Support
import Testing

/// Command lines that real shells complete, by the scripts that `bulkhead completion` prints.
@Suite(.serialized) struct CompletionTests {
    init() { BackgroundLoop.start() }

    /// A file whose name needs quoting, a container and an image.
    @EventLoop private static func with(_ body: @EventLoop (Bulkhead) async throws -> Void) async throws {
        try await Bulkhead.with { bulkhead in
            try Files.makeDirectories(bulkhead.root + "/in here")
            try Files.write([], to: bulkhead.root + "/in here/it's $5 & more")
            for shell in ["bash", "zsh", "fish"] {
                let script = try await bulkhead("completion", shell)
                #expect(script.code == 0, "\(script)")
                try Files.write(Array(script.output.utf8), to: bulkhead.root + "/" + shell)
            }
            try await body(bulkhead)
        }
    }

    @EventLoop @Test func namesAreThoseOfTheHost() async throws {
        try await Bulkhead.with { bulkhead in
            #expect(try await bulkhead("run", "--name", "web", "busybox", "true").code == 0)
            #expect(try await bulkhead.answer("rm", "w") == "words\nweb\tbusybox\n")
            #expect(try await bulkhead.answer("rm", "web", "") == "words\n")
            #expect(try await bulkhead.answer("rm", "x") == "words\n")
            #expect(try await bulkhead.answer("run", "--rm", "busyb") == "words\nbusybox:latest\t\n")
            #expect(try await bulkhead.answer("run", "--rm", "-v", "") == "files \n")
            #expect(try await bulkhead.answer("cp", "w") == "files \nweb:\tbusybox\n")
            #expect(try await bulkhead("pod", "create", "shop").code == 0)
            #expect(try await bulkhead.answer("run", "--pod", "s") == "words\nshop\t\n")
            #expect(try await bulkhead("pod", "rm", "shop").code == 0)
            try await bulkhead.expectNothingLeft(containers: 1)
        }
    }

    private struct Line: Sendable {
        /// As bash cuts it.
        let words: [String]
        let line: String
        let reply: [String]

        /// Words of which those with `+` in front are not separated from the one before.
        init(_ words: [String], _ reply: [String]) {
            line = words.reduce("") { $1.hasPrefix("+") ? $0 + $1.dropFirst() : $0.isEmpty ? $1 : $0 + " " + $1 }
            self.words = words.map { $0.hasPrefix("+") ? String($0.dropFirst()) : $0 }
            self.reply = reply
        }
    }

    private static let lines = [
        Line(["bulkhead", "ru"], ["run"]), Line(["bulkhead", "image", ""], ["pull", "load", "ls", "rm", "inspect"]),
        Line(["bulkhead", "ps", "--fo"], ["--format"]),
        Line(["bulkhead", "ps", "--format", "+=", "+"], ["table", "json"]),
        Line(["bulkhead", "ps", "--format", "+=", "+j"], ["json"]),
        Line(["bulkhead", "ps", "--format", "t"], ["table"]),
        Line(["bulkhead", "kill", "-s", "\"KI"], ["KILL"]), Line(["bulkhead", "--root", "+=", "+/x", "lo"], ["logs"]),
        Line(["bulkhead", "run", "-e", "A", "+:", "+B", "--entr"], ["--entrypoint"]),
        Line(["bulkhead", "exec", "web", "--t"], []), Line(["no/such/bulkhead", "ru"], ["run"]),
        Line(["bulkhead", "--root", "$(touch evil)", "ru"], ["run"]), Line(["bulkhead", "run", ">", "--na"], []),
    ]

    @EventLoop @Test func bashCompletes() async throws {
        try await Self.with { bulkhead in
            for line in Self.lines {
                let script = """
                    set -u; cd \(bulkhead.root); source ./bash
                    COMP_LINE=$1 COMP_POINT=${#1}; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
                    _bulkhead; [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
                    """
                let output = try await Self.output(
                    of: bulkhead.shell(["bash", "-c", script, "bash", line.line] + line.words))
                #expect(output.split(separator: "\n").map(String.init) == line.reply, "\(line.line)")
                #expect(!Files.exists(bulkhead.root + "/evil"))
            }
        }
    }

    @EventLoop
    @Test(arguments: [
        ("bulkhead ru", ["run\tRun a command in a new container, in a virtual machine of its own or in a pod's"]),
        ("bulkhead version --format=", ["--format=text", "--format=json"]), ("bulkhead --root /x kill -s KI", ["KILL"]),
        ("bulkhead exec web --t", []), ("bulkhead image load 'in here/i", ["in here/it's $5 & more"]),
        ("bulkhead image load --input=in\\ h", ["--input=in here/"]), ("bulkhead --root in", ["in here/\tDirectory"]),
        ("bulkhead --root=in", ["--root=in here/\tDirectory"]), ("bulkhead --root ba", []),
    ]) func fishCompletes(_ line: String, _ candidates: [String]) async throws {
        try await Self.with { bulkhead in
            let script = "cd \(bulkhead.root); source ./fish; complete -C $argv[1]"
            let output = try await Self.output(of: bulkhead.shell(["fish", "-N", "-c", script, line]))
            #expect(output.split(separator: "\n").map(String.init) == candidates)
        }
    }

    /// What is typed up to a tab, and what the shell makes of it. Each is shown once more when Return has been typed,
    /// by a function that stands for the program.
    private static let typed = [
        ("ru", "<run>"), ("version --fo", "<version><--format>"), ("version --format j", "<version><--format><json>"),
        ("version --format=j", "<version><--format=json>"), ("image load in", "<image><load><in here/>"),
        ("image load in\\ here/i", "<image><load><in here/it's $5 & more>"),
        ("image load 'in here/i", "<image><load><in here/it's $5 & more>"),
        ("image load --input=in\\ here/i", "<image><load><--input=in here/it's $5 & more>"),
        ("--root in", "<--root><in here/>"),
    ]

    @EventLoop @Test(arguments: ["bash", "zsh"]) func linesAreCompletedAsTheyAreTyped(_ shell: String) async throws {
        try await Self.with { bulkhead in
            let start = [
                "bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"],
            ]
            let terminal = try TerminalSession(bulkhead.shell(start[shell] ?? []))
            let prepare = shell == "zsh" ? "autoload -Uz compinit && compinit -u -D; unsetopt auto_remove_slash;" : ""
            let program = "bulkhead() { printf '<%s>' \"$@\"; echo; }"
            try await terminal.type(
                "PS1=; cd \(bulkhead.root); \(prepare) source ./\(shell); \(program); echo rea''dy\n")
            try await terminal.expect("ready\r\n")
            // As with every program, zsh leaves a quote to be closed.
            for (typed, arguments) in Self.typed where shell == "bash" || !typed.contains("'") {
                try await terminal.type("bulkhead \(typed)\t\n")
                try await terminal.expect(arguments + "\r\n")
            }
            try await terminal.type("exit 0\n")
            #expect(try await terminal.process.exit.value().code == 0)
        }
    }

    @EventLoop fileprivate static func output(of plan: SpawnPlan) async throws -> String {
        let command = try Bulkhead.start(plan, hasInput: false)
        let result = try await command.end()
        #expect(result.error == "", "\(plan.arguments)")
        return result.output
    }
}

extension Bulkhead {
    /// What the scripts are told.
    fileprivate func answer(_ words: String...) async throws -> String {
        let own = ["--root", root, "--state-dir", state]
        return try await CompletionTests.output(
            of: SpawnPlan(
                Guest.launcher, ["bulkhead", "__complete", "--"] + own + words,
                environment: ["BULKHEAD_CONFIG=\(configuration)"]))
    }

    /// A shell that finds the program by its name.
    fileprivate func shell(_ arguments: [String]) -> SpawnPlan {
        let bin = Files.parent(of: Guest.launcher) ?? ""
        return SpawnPlan(
            "/usr/bin/" + arguments[0], arguments,
            environment: [
                "PATH=\(bin):/usr/bin:/bin", "HOME=\(root)", "TERM=dumb", "LC_ALL=C.UTF-8",
                "BULKHEAD_CONFIG=\(configuration)",
            ])
    }
}
