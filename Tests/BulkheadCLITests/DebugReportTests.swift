import EventLog
import JSON
import Testing

@testable import BulkheadCLI

@Suite struct RedactionTests {
    private func text(_ json: String) throws -> String {
        Redaction.state(try JSONParser.parse(Array(json.utf8))).serialized
    }

    @Test(arguments: [
        (#"{"Env":["A=s3cret","B","=x"]}"#, #"{"Env":["A","B",""]}"#),
        (#"[{"Config":{"Labels":{"tier":"s3cret"}}}]"#, #"[{"Config":{"Labels":{"tier":"…"}}}]"#),
        (#"{"annotations":{"a":"s3cret","b":{"c":1}}}"#, #"{"annotations":{"a":"…","b":"…"}}"#),
        (#"{"Path":"sh","Args":["-c","s3cret"]}"#, #"{"Path":"sh","Args":["…","…"]}"#),
        (#"{"Cmd":["sh","-c","s3cret"],"Name":"/web"}"#, #"{"Cmd":["sh","…","…"],"Name":"/web"}"#),
        (
            #"{"Health":{"Log":[{"ExitCode":1,"Output":"s3cret"},{"Output":""}]}}"#,
            #"{"Health":{"Log":[{"ExitCode":1,"Output":"…"},{"Output":""}]}}"#
        ),
        (#"{"Labels":null,"Env":null,"n":1.5e3}"#, #"{"Labels":null,"Env":[],"n":1.5e3}"#),
    ]) func valuesAreLeftOutAndNamesStay(_ json: String, _ redacted: String) throws {
        #expect(try text(json) == redacted)
    }

    @Test func theJournalHasNoLabels() {
        let journal = """
            {"journal":1}
            {"record":"/r","removed":true,"link":"","subject":{"pod":false,"id":"1","attributes":{"name":"web","k":"s3cret"}}}
            {"process":7,"startTime":8}
            {"half
            """
        #expect(
            Redaction.journal(journal) == [
                #"{"journal":1}"#,
                #"{"record":"/r","removed":true,"link":"","subject":{"pod":false,"id":"1","attributes":{"name":"web","k":"…"}}}"#,
                #"{"process":7,"startTime":8}"#, "(a line of 6 bytes that cannot be read)",
            ])
    }

    @Test(arguments: [
        ("exec_create: sh -c s3cret", "exec_create: …"), ("exec_start: s3cret", "exec_start: …"),
        ("exec_die", "exec_die"),
        ("health_status: healthy", "health_status: healthy"), ("die", "die"),
    ]) func eventsHaveNoCommandsAndNoLabels(_ action: String, _ shown: String) {
        let event = Redaction.event(
            Event(time: 1, kind: .container, action: action, id: "1", attributes: ["name": "web", "label": "s3cret"]))
        #expect(event.action == shown)
        #expect(event.attributes == ["name": "web", "label": "…"])
    }
}

@Suite struct ReportTextTests {
    @Test func sectionsHaveNamesAndNothingMovesACursor() {
        var text = ReportText(header: ["report of \u{1B}[2Jx"])
        text.add("state", "one\n\u{9B}two\n\n")
        text.add("console", [String]())
        #expect(text.text == "report of ?[2Jx\n\n== state ==\none\n?two\n\n== console ==\n(nothing)\n")
    }

    @Test func whatIsTooLongLosesWhatCountsLess() {
        let long = String(repeating: "é", count: 10)
        #expect(ReportText.bounded(long, keeps: .beginning, bytes: 20) == long)
        #expect(ReportText.bounded(long, keeps: .beginning, bytes: 3) == "é\u{FFFD}\n(17 bytes more)")
        #expect(ReportText.bounded(long, keeps: .end, bytes: 3) == "(17 bytes before)\n\u{FFFD}é")
        var text = ReportText(header: [])
        text.add("console", String(repeating: "x", count: 1 << 20), keeps: .end)
        #expect(text.text.utf8.count < ReportText.maximumBytes + 100)
    }

    @Test func anOptionAndItsValueAreALine() {
        #expect(
            DebugReport.lines(ofArguments: ["-m", "256M", "-nodefaults", "-append", "a b"])
                == ["-m 256M", "-nodefaults", "-append a b"])
        #expect(DebugReport.lines(ofArguments: ["x", "y"]) == ["x y"])
        #expect(DebugReport.lines(ofArguments: []) == [])
    }
}

@Suite struct GuestShellTests {
    @Test(arguments: [
        // interactive, terminal, a command, input from a terminal → interactive, terminal
        ([false, false, false, true], [true, true]), ([false, false, true, true], [true, true]),
        ([false, false, false, false], [true, false]), ([false, false, true, false], [false, false]),
        ([true, false, true, true], [true, false]), ([false, true, true, false], [false, true]),
        ([true, true, false, false], [true, true]),
    ]) func aTerminalIsPassedOnUnlessSomethingElseIsSaid(_ said: [Bool], _ wish: [Bool]) {
        let found = GuestShell.Wish(
            interactive: said[0], terminal: said[1], hasCommand: said[2], inputIsTerminal: said[3])
        #expect([found.interactive, found.terminal] == wish)
    }
}
