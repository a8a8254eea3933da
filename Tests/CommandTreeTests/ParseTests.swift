import CommandTree
import Testing

@Suite struct ParseTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var line: [String]
        var path: [String]
        var given: [String] = []
        var operands: [String] = []
        var testDescription: String { line.joined(separator: " ") }
    }

    @Test(arguments: [
        Row(line: ["run", "img"], path: ["run"], operands: ["img"]),
        Row(line: ["run", "--name", "X", "img"], path: ["run"], given: ["name=X"], operands: ["img"]),
        Row(line: ["run", "--name=X", "img"], path: ["run"], given: ["name=X"], operands: ["img"]),
        Row(line: ["run", "--name=a=b", "img"], path: ["run"], given: ["name=a=b"], operands: ["img"]),
        Row(line: ["run", "--entrypoint=", "img"], path: ["run"], given: ["entrypoint="], operands: ["img"]),
        Row(line: ["run", "--entrypoint", "", "img"], path: ["run"], given: ["entrypoint="], operands: ["img"]),
        Row(line: ["run", "--net", "none", "img"], path: ["run"], given: ["network=none"], operands: ["img"]),
        // To Swift's characters, "=" and a combining mark behind it are one.
        Row(line: ["run", "--name=\u{301}x", "i"], path: ["run"], given: ["name=\u{301}x"], operands: ["i"]),
        Row(line: ["run", "-e\u{301}", "i"], path: ["run"], given: ["env=\u{301}"], operands: ["i"]),
        Row(line: ["run", "-e", "K=V", "img"], path: ["run"], given: ["env=K=V"], operands: ["img"]),
        Row(line: ["run", "-eK=V", "img"], path: ["run"], given: ["env=K=V"], operands: ["img"]),
        Row(line: ["run", "-e=K=V", "img"], path: ["run"], given: ["env=K=V"], operands: ["img"]),
        Row(line: ["run", "-e=", "img"], path: ["run"], given: ["env=="], operands: ["img"]),
        Row(line: ["run", "-it", "img"], path: ["run"], given: ["interactive=true", "tty=true"], operands: ["img"]),
        Row(line: ["run", "-t=false", "img"], path: ["run"], given: ["tty=false"], operands: ["img"]),
        Row(
            line: ["run", "-itd", "img"], path: ["run"], given: ["interactive=true", "tty=true", "detach=true"],
            operands: ["img"]),
        Row(
            line: ["run", "-itv/a:/b", "img"], path: ["run"],
            given: ["interactive=true", "tty=true", "volume=/a:/b"], operands: ["img"]),
        Row(
            line: ["run", "-tv", "/a:/b", "img"], path: ["run"], given: ["tty=true", "volume=/a:/b"],
            operands: ["img"]),
        Row(line: ["run", "--rm", "img"], path: ["run"], given: ["rm=true"], operands: ["img"]),
        Row(line: ["run", "--rm=0", "img"], path: ["run"], given: ["rm=false"], operands: ["img"]),
        Row(line: ["run", "--rm=T", "img"], path: ["run"], given: ["rm=true"], operands: ["img"]),
        Row(line: ["run", "--rm", "false"], path: ["run"], given: ["rm=true"], operands: ["false"]),
        Row(line: ["run", "--name", "--rm", "img"], path: ["run"], given: ["name=--rm"], operands: ["img"]),
        Row(line: ["run", "-e", "--", "img"], path: ["run"], given: ["env=--"], operands: ["img"]),
        Row(line: ["run", "-h", "box", "img"], path: ["run"], given: ["hostname=box"], operands: ["img"]),
        Row(line: ["run", "--name", "--help", "img"], path: ["run"], given: ["name=--help"], operands: ["img"]),
        Row(line: ["run", "--pull", "never", "img"], path: ["run"], given: ["pull=never"], operands: ["img"]),
        Row(line: ["run", "--help=false", "img"], path: ["run"], operands: ["img"]),
        Row(line: ["run", "--privileged=false", "img"], path: ["run"], operands: ["img"]),
        Row(line: ["run", "img", "--rm", "--help"], path: ["run"], operands: ["img", "--rm", "--help"]),
        Row(line: ["run", "img", "--", "x"], path: ["run"], operands: ["img", "--", "x"]),
        Row(line: ["run", "--", "--rm"], path: ["run"], operands: ["--rm"]),
        Row(line: ["run", "-", "x"], path: ["run"], operands: ["-", "x"]),
        Row(line: ["run", ""], path: ["run"], operands: [""]),
        Row(line: ["exec", "c", "ls", "-l"], path: ["exec"], operands: ["c", "ls", "-l"]),
        Row(line: ["logs", "c", "-f"], path: ["logs"], given: ["follow=true"], operands: ["c"]),
        Row(line: ["logs", "-fn5", "c"], path: ["logs"], given: ["follow=true", "tail=5"], operands: ["c"]),
        Row(line: ["logs", "-n", "-1", "c"], path: ["logs"], given: ["tail=-1"], operands: ["c"]),
        Row(
            line: ["rm", "a", "-f", "b", "--", "-c"], path: ["rm"], given: ["force=true"], operands: ["a", "b", "-c"]),
        Row(line: ["image", "pull", "-q", "a"], path: ["image", "pull"], given: ["quiet=true"], operands: ["a"]),
        Row(line: ["image", "ls"], path: ["image", "ls"]),
        Row(line: ["--root", "/x", "-D", "version"], path: ["version"], given: ["root=/x", "debug=true"]),
        Row(line: ["--", "version"], path: ["version"]),
        Row(line: ["--version"], path: [], given: ["version=true"]),
        Row(line: ["-v", "run", "--nonsense"], path: [], given: ["version=true"]),
        Row(
            line: ["-D", "run", "-v/a:/b", "i"], path: ["run"], given: ["debug=true", "volume=/a:/b"],
            operands: ["i"]),
    ]) func readsAsDockerDoes(_ row: Row) throws {
        guard case .invoke(let invocation) = try SampleTree.root.parse(row.line) else {
            Issue.record("help instead of an invocation")
            return
        }
        #expect(invocation.path == row.path)
        #expect(invocation.arguments.given.map { $0.name + "=" + $0.value } == row.given)
        #expect(invocation.arguments.operands == row.operands)
    }

    struct HelpRow: Sendable, CustomTestStringConvertible {
        var line: [String]
        var path: [String] = []
        var wasAskedFor = true
        var testDescription: String { line.joined(separator: " ") }
    }

    @Test(arguments: [
        HelpRow(line: [], wasAskedFor: false),
        HelpRow(line: ["-D"], wasAskedFor: false),
        HelpRow(line: ["--version=false"], wasAskedFor: false),
        HelpRow(line: ["image"], path: ["image"], wasAskedFor: false),
        HelpRow(line: ["--help"]), HelpRow(line: ["-h"]), HelpRow(line: ["help"]), HelpRow(line: ["-Dh"]),
        HelpRow(line: ["--help", "--nonsense"]), HelpRow(line: ["--help=true"]),
        HelpRow(line: ["help", "run"], path: ["run"]), HelpRow(line: ["help", "--help"]),
        HelpRow(line: ["help", "image", "pull"], path: ["image", "pull"]),
        HelpRow(line: ["image", "help", "pull"], path: ["image", "pull"]),
        HelpRow(line: ["run", "--rm", "--help", "img"], path: ["run"]),
        HelpRow(line: ["logs", "c", "-h"], path: ["logs"]),
        HelpRow(line: ["image", "-h"], path: ["image"]),
        HelpRow(line: ["rm", "--help"], path: ["rm"]),
    ]) func showsHelp(_ row: HelpRow) throws {
        #expect(try SampleTree.root.parse(row.line) == .help(path: row.path, wasAskedFor: row.wasAskedFor))
    }

    @Test func accessorsAnswerByName() throws {
        let line = ["run", "--rm", "--rm=f", "-ea", "--name", "x", "-e", "b", "--name", "y", "-t", "-m1g", "img"]
        guard case .invoke(let invocation) = try SampleTree.root.parse(line) else {
            Issue.record("no invocation")
            return
        }
        let arguments = invocation.arguments
        #expect(arguments.commandName == "bulkhead run")
        #expect(!arguments.flag("rm"))
        #expect(!arguments.flag("rm", default: true))
        #expect(arguments.flag("tty"))
        #expect(!arguments.flag("debug"))
        #expect(arguments.flag("interactive", default: true))
        #expect(arguments.value("name") == "y")
        #expect(arguments.value("entrypoint") == nil)
        #expect(arguments.values("env") == ["a", "b"])
        #expect(arguments.values("volume") == [])
        #expect(arguments.isGiven("rm"))
        #expect(!arguments.isGiven("network"))
        #expect(try arguments.value("memory", as: ByteSize.parse) == 1 << 30)
        #expect(try arguments.values("env", as: KeyValue.parse).map(\.key) == ["a", "b"])
        let error = #expect(throws: UsageError.self) { try arguments.value("name", as: ByteSize.parse) }
        #expect(
            error?.description
                == "--name for \"bulkhead run\": invalid size \"y\": expected a number with a unit, such as 512m or "
                + "1.5g. See 'bulkhead run --help'.")
    }
}
