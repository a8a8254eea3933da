import Testing

@testable import CommandTree

@Suite struct UsageErrorTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var line: [String]
        var message: String
        var see = "bulkhead run"
        var testDescription: String { line.joined(separator: " ") }
    }

    @Test(arguments: [
        Row(line: ["run", "--nmae", "x"], message: "unknown flag --nmae for \"bulkhead run\": did you mean --name?"),
        Row(line: ["run", "--mem=1g"], message: "unknown flag --mem for \"bulkhead run\": did you mean --memory?"),
        Row(line: ["run", "--zzzzzz"], message: "unknown flag --zzzzzz for \"bulkhead run\"."),
        Row(line: ["run", "--trce"], message: "unknown flag --trce for \"bulkhead run\"."),
        Row(line: ["run", "---rm"], message: "unknown flag ---rm for \"bulkhead run\": did you mean --rm?"),
        Row(line: ["run", "--=x"], message: "unknown flag -- for \"bulkhead run\"."),
        Row(line: ["run", "-x"], message: "unknown flag -x for \"bulkhead run\"."),
        Row(line: ["run", "-ix"], message: "unknown flag -x for \"bulkhead run\"."),
        Row(line: ["run", "-name", "x"], message: "unknown flag -name for \"bulkhead run\": did you mean --name?"),
        Row(line: ["run", "-\u{E9}"], message: "unknown flag -\u{E9} for \"bulkhead run\"."),
        Row(
            line: ["run", "--root", "x"],
            message: "flag --root is one of \"bulkhead\": it goes before \"run\"."),
        Row(
            line: ["image", "pull", "-D"],
            message: "flag -D is one of \"bulkhead\": it goes before \"image\".", see: "bulkhead image pull"),
        Row(line: ["rnu"], message: "unknown command \"rnu\" for \"bulkhead\": did you mean run?", see: "bulkhead"),
        Row(
            line: ["image", "pul"], message: "unknown command \"pul\" for \"bulkhead image\": did you mean pull?",
            see: "bulkhead image"),
        Row(
            line: ["rmi", "x"], message: "there is no \"bulkhead rmi\": use \"bulkhead image rm\".", see: "bulkhead"),
        Row(
            line: ["help", "rename"],
            message: "\"bulkhead rename\" is not there yet: give it a name when it is made.", see: "bulkhead"),
        Row(line: ["help", "x"], message: "unknown command \"x\" for \"bulkhead\".", see: "bulkhead"),
        Row(line: ["run", "--name"], message: "flag --name for \"bulkhead run\" needs a value (NAME)."),
        Row(line: ["run", "-ite"], message: "flag -e for \"bulkhead run\" needs a value (KEY=VALUE)."),
        Row(
            line: ["run", "--rm=maybe"],
            message: "flag --rm for \"bulkhead run\" is on or off: \"maybe\" is neither true nor false."),
        Row(
            line: ["run", "-t=x1"],
            message: "flag -t for \"bulkhead run\" is on or off: \"x1\" is neither true nor false."),
        Row(line: ["run", "-t=", "i"], message: "unknown flag -= for \"bulkhead run\"."),
        Row(
            line: ["run", "--pull=allways"],
            message: "--pull for \"bulkhead run\" cannot be \"allways\": it is always, missing or never; "
                + "did you mean always?"),
        Row(
            line: ["run", "--publish", "80:80"],
            message: "--publish is not supported by \"bulkhead run\" yet: use --network host."),
        Row(line: ["run", "-itp80:80"], message: "-p is not supported by \"bulkhead run\" yet: use --network host."),
        Row(
            line: ["run", "--privileged"],
            message: "--privileged is not supported by \"bulkhead run\" yet: "
                + "the container has its own kernel already."),
        Row(line: ["run"], message: "\"bulkhead run\" needs IMAGE."),
        Row(
            line: ["exec", "c"], message: "\"bulkhead exec\" needs CONTAINER and COMMAND.",
            see: "bulkhead exec"),
        Row(line: ["rm"], message: "\"bulkhead rm\" needs CONTAINER.", see: "bulkhead rm"),
        Row(
            line: ["logs", "a", "b"],
            message: "\"bulkhead logs\" takes at most 1 argument: \"b\" is one too many.", see: "bulkhead logs"),
        Row(
            line: ["version", "x"], message: "\"bulkhead version\" takes no arguments, but \"x\" was given.",
            see: "bulkhead version"),
        Row(line: ["run", "--a\nb\u{1B}[2J"], message: "unknown flag --a\\u{a}b\\u{1b}[2J for \"bulkhead run\"."),
    ]) func saysWhatIsWrong(_ row: Row) {
        let error = #expect(throws: UsageError.self) { try SampleTree.root.parse(row.line) }
        #expect(error?.description == row.message + " See '\(row.see) --help'.")
    }

    @Test func theFirstErrorFromTheLeftCounts() {
        let error = #expect(throws: UsageError.self) { try SampleTree.root.parse(["run", "--rm=x", "--nonsense"]) }
        #expect(error?.problem == .badBoolean(option: "--rm", value: "x"))
    }
}
