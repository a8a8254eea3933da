import CommandTree
import JSON
import Testing

@testable import OCIRuntimeCLI

@Suite struct RuntimeTreeTests {
    @Test func holdsTogether() { #expect(RuntimeTree.root.mistakes.isEmpty) }

    /// As engines call it.
    @Test(arguments: [
        "--root /r --log /l --log-format json create --bundle /b --pid-file /p --console-socket /c id",
        "--root /r --log /l --log-format json --systemd-cgroup create --bundle /b --pid-file /p id",
        "--log-format=json --log=/l create --bundle /b --pid-file /p --no-pivot --no-new-keyring id",
        "--root /r exec --process /p.json --console-socket /c --detach --pid-file /p id",
        "--root /r exec --process /p.json --detach --pid-file /p id", "exec -t -e A=b --user 0:0 id ls -l --color",
        "--root /r kill id 9", "--root /r kill --all id 9", "kill id KILL --all", "delete --force id", "delete id -f",
        "ps --format json id", "ps id -e -o pid", "state id", "events --stats id", "events --interval=1s id",
        "update --resources - id", "update --resources=/tmp/x id", "update -r - id", "list -q", "list --format json",
        "run -d -b /b id", "-root /r state id", "create -bundle /b id", "pause id", "resume id", "features",
        "--version",
        "spec -b /x", "--rootless auto --debug list",
    ])
    func takesWhatEnginesSay(_ line: String) throws {
        let outcome = try RuntimeTree.root.parse(line.split(separator: " ").map(String.init))
        guard case .invoke = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test func aLongNameBehindOneDashIsALongName() throws {
        guard case .invoke(let found) = try RuntimeTree.root.parse(["-root=/r", "create", "-bundle", "/b", "x"]) else {
            return
        }
        #expect(found.arguments.value("root") == "/r" && found.arguments.value("bundle") == "/b")
        #expect(found.arguments.operands == ["x"])
    }

    @Test func linesOfTheLogAreLogruss() {
        let time: Int64 = 1_795_852_800_000_000_000
        func line(_ format: RuntimeLog.Format) -> String {
            String(decoding: RuntimeLog.line(.error, "a \"b\"\n", format, at: time), as: UTF8.self)
        }
        #expect(line(.json) == #"{"level":"error","msg":"a \"b\"\n","time":"2026-11-28T08:00:00Z"}"# + "\n")
        #expect(line(.text) == #"time="2026-11-28T08:00:00Z" level=error msg="a \"b\"\n""# + "\n")
    }

    @Test func featuresAreWhatTheTableSays() {
        let json = Features.json
        let hooks = json["hooks"]?.elements.compactMap(\.text) ?? []
        #expect(
            hooks == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
        #expect(json["linux"]?["namespaces"]?.elements.contains(.string("user")) == false)
        #expect(json["mountOptions"]?.elements.contains(.string("rro")) == true)
        #expect(json["mountOptions"]?.elements.contains(.string("tmpcopyup")) == true)
    }
}
