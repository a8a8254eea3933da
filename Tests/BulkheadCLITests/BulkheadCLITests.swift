import CommandTree
import Glibc
import Pod
import Testing

@testable import BulkheadCLI

@Suite struct VerbsTests {
    @Test func theTreeIsDeclaredWithoutMistakes() {
        #expect(Verbs.tree.mistakes == [])
    }

    @Test func everyVerbOfTheTreeIsDispatched() {
        let leaves = Verbs.tree.allCommands.filter { $0.command.subcommands.isEmpty }.map(\.path)
        #expect(Set(leaves) == Set(Verbs.all.map(\.path)))
    }
}

@Suite struct DetachKeysTests {
    @Test(arguments: [
        (["ab"], "ab", false), (["\u{10}\u{11}"], "", true), (["a\u{10}", "\u{11}b"], "a", true),
        (["\u{10}a"], "\u{10}a", false), (["\u{10}\u{10}\u{11}"], "\u{10}", true), (["\u{11}\u{10}"], "\u{11}", false),
        (["\u{10}", "x", "\u{10}", "\u{11}"], "\u{10}x", true),
    ]) func areFoundWhereverTheChunksEnd(_ chunks: [String], _ passed: String, _ detached: Bool) {
        var keys = DetachKeys()
        var result: [UInt8] = []
        var found = false
        for chunk in chunks {
            var bytes = Array(chunk.utf8)
            found = keys.filter(&bytes) || found
            result += bytes
        }
        #expect(result == Array(passed.utf8))
        #expect(found == detached)
    }
}

@Suite struct ForegroundTests {
    @Test(
        arguments: [
            (SIGWINCH, true, true, .resize), (SIGWINCH, false, false, .resize), (SIGINT, false, false, .passOn),
            (SIGINT, true, true, .passOn), (SIGTERM, false, false, .passOn), (SIGTERM, true, false, .passOn),
            (SIGTERM, true, true, .leave), (SIGHUP, false, false, .passOn), (SIGHUP, true, false, .leave),
            (SIGHUP, true, true, .leave), (SIGTSTP, true, false, .passOn),
        ] as [(CInt, Bool, Bool, Foreground.SignalUse)])
    func aSignalIsForTheProcessUnlessItIsAboutTheTerminal(
        _ signal: CInt, _ terminal: Bool, _ passesKeysOn: Bool, _ use: Foreground.SignalUse
    ) {
        #expect(Foreground.use(of: signal, terminal: terminal, passesKeysOn: passesKeysOn) == use)
    }
}

@Suite struct TextTests {
    @Test(
        arguments: [
            (-5, "Less than a second"), (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"),
            (60, "About a minute"), (150, "2 minutes"), (3599, "59 minutes"), (3600, "About an hour"),
            (7200, "2 hours"),
            (172_800, "2 days"), (1_209_600, "2 weeks"), (5_184_000, "2 months"), (63_072_000, "2 years"),
        ] as [(Int64, String)]) func durationsAreDockers(_ seconds: Int64, _ text: String)
    {
        #expect(Elapsed.text(seconds * 1_000_000_000) == text)
    }

    @Test func aPausedContainerIsUpAndPaused() {
        var status = ContainerStatus(.running)
        status.startedAt = 1
        #expect(Ps.statusText(status, now: 5_000_000_001) == "Up 5 seconds")
        #expect(status.stateText == "running")
        status.paused = true
        #expect(Ps.statusText(status, now: 5_000_000_001) == "Up 5 seconds (Paused)")
        #expect(status.stateText == "paused")
    }

    @Test func aTableIsAlignedAndObeysNobody() {
        var table = TextTable(["A", "LONGER"])
        table.add(["wide cell", "x"])
        table.add(["\u{1B}[2J", "é"])
        #expect(table.text == "A           LONGER\nwide cell   x\n?[2J        é\n")
    }

    @Test func aVariableWithoutAValueIsPassedOnOrRemoved() throws {
        let settings = [KeyValue(key: "A", value: "1"), KeyValue(key: "NO_SUCH_VARIABLE_HERE", value: nil)]
        #expect(RunOptions.environment(settings) == ["A=1", "NO_SUCH_VARIABLE_HERE"])
    }
}
