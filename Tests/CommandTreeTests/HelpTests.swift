import CommandTree
import Testing

@Suite struct HelpTests {
    static let run = """
        Usage:  bulkhead run [OPTIONS] IMAGE [COMMAND] [ARG...]

        Create and start a container.

        The container gets a kernel of its own.
        Its output is shown until it ends.

        Arguments:
          IMAGE   Name of the image

        Options:
          -d, --detach                   Return at once
          -e, --env KEY=VALUE            Set a variable in the environment of the
                                         container's first process (may be repeated)
              --entrypoint COMMAND       Replace the image's entry point
          -h, --hostname NAME            Name of the host in the container
          -i, --interactive              Keep standard input open
              --name NAME                Name of the container
              --network, --net NETWORK   Network to join
              --pull WHEN                When to pull (always, missing or never)
          -m, --memory SIZE              Limit of memory
              --rm                       Remove it when it ends
          -t, --tty                      Give it a terminal
          -v, --volume HOST:CONTAINER[:OPTIONS]
                                         Show it a path of the host (may be repeated)
              --help                     Show this help

        Examples:
          bulkhead run --rm -it debian bash

        'bulkhead --help' lists the options that go before the command.

        Not supported yet: -p, --publish; --privileged.

        """

    static let root = """
        Usage:  bulkhead [OPTIONS] COMMAND

        Run containers in virtual machines.

        Commands:
          run       Create and start a container
          exec      Run a program in a container
          logs      Show what a container wrote
          rm        Remove containers
          version   Show the version

        Management commands:
          image   Manage images

        Options:
              --root DIR   Directory of the state (default /run/bulkhead)
          -D, --debug      Log each request
          -v, --version    Show the version
          -h, --help       Show this help

        'bulkhead COMMAND --help' tells more about a command.

        """

    @Test(arguments: [(["run"], run), ([], root)]) func showsAllOfACommand(_ path: [String], _ page: String) {
        #expect(SampleTree.root.helpText(for: path) == page)
    }

    @Test func widthDecidesWhereLinesEnd() {
        let command = Command(
            "x", "One two three four five six seven eight nine ten",
            options: [
                Option("quite-a-long-name", .value("VALUE"), "It has a line of its own, and below it what it means"),
                Option("b", short: "b", .flag, "Short"),
            ])
        #expect(
            command.helpText(for: [], width: 40) == """
                Usage:  x [OPTIONS]

                One two three four five six seven eight
                nine ten.

                Options:
                      --quite-a-long-name VALUE
                               It has a line of its own,
                               and below it what it
                               means
                  -b, --b      Short
                  -h, --help   Show this help

                """)
    }

    @Test func everyPageKeepsToItsWidth() {
        for located in SampleTree.root.allCommands {
            for width in [60, 80, 120] {
                for line in SampleTree.root.helpText(for: located.path, width: width).split(separator: "\n") {
                    #expect(line.count <= width, "\(located.path): \(line)")
                    #expect(line.last != " ", "\(located.path): \(line)")
                }
            }
        }
    }

    @Test func walksParentsFirst() {
        #expect(
            SampleTree.root.allCommands.map { $0.path.joined(separator: " ") } == [
                "", "run", "exec", "logs", "rm", "image", "image pull", "image ls", "version",
            ])
        #expect(SampleTree.root.command(at: ["image", "pull"])?.summary == "Fetch an image")
        #expect(SampleTree.root.command(at: ["image", "push"]) == nil)
    }

    @Test func aGoodDeclarationHasNoMistakes() { #expect(SampleTree.root.mistakes == []) }

    @Test(arguments: [
        (Command("x y", "S"), "bad name"),
        (Command("x", ""), "no summary"),
        (Command("x", "S."), "full stop"),
        (Command("x", "S", operands: [Operand("A")], subcommands: [Command("y", "S")]), "both"),
        (Command("x", "S", operands: [Operand("A", .optional), Operand("B")]), "B is required"),
        (Command("x", "S", operands: [Operand("A", .any), Operand("B", .optional)]), "B is never reached"),
        (
            Command("x", "S", options: [Option("a", .flag, "S"), Option("b", others: ["a"], .flag, "S")]),
            "--a is there"
        ),
        (Command("x", "S", options: [Option("help", .flag, "S")]), "--help is there"),
        (Command("x", "S", options: [Option("a=b", .flag, "S")]), "bad name --a=b"),
        (Command("x", "S", options: [Option("a", .flag, "")]), "--a has no summary"),
        (Command("x", "S", options: [Option("a", .value(""), "S")]), "--a has no placeholder"),
        (Command("x", "S", options: [Option("a", .flag, "S", allowedValues: ["b"])]), "--a is a flag with values"),
        (Command("x", "S", options: [Option("a", short: "-", .flag, "S")]), "-- is there twice or no letter"),
        (
            Command(
                "x", "S", options: [Option("a", short: "a", .flag, "S")],
                notYet: [UnsupportedOption("b", short: "a", instead: "")]), "-a is there"
        ),
        (
            Command(
                "x", "S", options: [Option("a", .flag, "S")],
                subcommands: [
                    Command("y", "S", options: [Option("a", .flag, "S")])
                ]), "x y: --a is there"
        ),
        (Command("x", "S", subcommands: [Command("y", "S"), Command("y", "S")]), "y is there twice"),
    ]) func findsMistakesInADeclaration(_ command: Command, _ text: String) {
        #expect(command.mistakes.count == 1)
        #expect(command.mistakes.first?.contains(text) == true, "\(command.mistakes)")
    }
}
