import EventLoop
import Glibc
import Linux
import Pod
import Support
import Testing

/// `bulkhead` on a terminal, as people use it.
@Suite(.serialized) struct TerminalTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aShellIsUsedAsIfItRanHere() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.onTerminal("run", "--rm", "-it", "busybox", "sh")
            // While the machine boots.
            try await bulkhead.wait(for: "machine") { bulkhead.processes().count >= 3 }
            try run.resize(rows: 31, columns: 97)
            try await run.expect("# ")
            #expect(try run.isRaw)
            try await run.type("stty size\r")
            try await run.expect("31 97\r\n")
            try run.resize(rows: 42, columns: 120)
            try await run.type("sleep 0.3; stty size\r")
            try await run.expect("42 120\r\n")

            // It is in the foreground once it has written.
            try await run.type("sh -c 'echo $((40 + 2)); exec sleep 100'\r")
            try await run.expect("42\r\n")
            try await run.type("\u{3}")
            try await run.expect("# ")
            try await run.type("echo $?\r")
            try await run.expect("130\r\n")
            // It is in the foreground once it has written.
            try await run.type("sh -c 'echo $((40 + 2)); exec sleep 100'\r")
            try await run.expect("42\r\n")
            try await run.type("\u{1A}")
            try await run.expect("Stopped")
            try await run.expect("# ")
            try await run.type("kill -9 %1; sleep 0.2\r")
            try await run.expect("Killed")
            try await run.type("exit 3\r")
            #expect(try await run.end() == 3)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aContainerOutlivesTheTerminalsThatItHad() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.onTerminal("run", "--rm", "--name", "tty", "-it", "busybox", "sh")
            try await run.expect("# ")
            try await run.type("\u{10}\u{11}")
            #expect(try await run.end() == 0)
            #expect(try await bulkhead("ps").output.contains("Up "))

            let exec = try bulkhead.onTerminal("exec", "-it", "tty", "sh")
            try await exec.expect("# ")
            try await exec.type("stty size; tty\r")
            try await exec.expect("33 101\r\n/dev/pts/1\r\n")
            try exec.resize(rows: 20, columns: 60)
            try await exec.type("sleep 0.3; stty size\r")
            try await exec.expect("20 60\r\n")
            try await exec.type("exit 5\r")
            #expect(try await exec.end() == 5)
            #expect(try await bulkhead.onTerminal("exec", "-it", "tty", "nothing").end() == 127)

            let detached = try bulkhead.onTerminal("exec", "-it", "tty", "cat")
            try await bulkhead.wait(for: "raw terminal") { try detached.isRaw }
            try await detached.type("\u{10}\u{11}")
            #expect(try await detached.end() == 0)
            #expect(try await bulkhead("exec", "tty", "pidof", "cat").code == 0)

            // As with a login: what was begun on a terminal ends with it.
            let left = try bulkhead.onTerminal("exec", "-it", "tty", "sleep", "1000")
            try await bulkhead.wait(for: "raw terminal") { try left.isRaw }
            left.hangUp()
            #expect(
                try await within(.seconds(5), waitingFor: "end") { try await left.process.exit.value() }.code == 129)
            try await bulkhead.wait(for: "its end") { try await bulkhead("exec", "tty", "pidof", "sleep").code != 0 }

            let told = try bulkhead.onTerminal("exec", "-it", "tty", "sleep", "1000")
            try await bulkhead.wait(for: "raw terminal") { try told.isRaw }
            told.process.signal(SIGTERM)
            #expect(try await told.end() == 143)
            try await told.expect("the process in container tty goes on\r\n")

            let ended = try bulkhead.onTerminal("exec", "-it", "tty", "sleep", "1000")
            try await bulkhead.wait(for: "raw terminal") { try ended.isRaw }
            #expect(try await bulkhead("kill", "tty").code == 0)
            #expect(try await ended.end() == 137)
            try await bulkhead.expectNothingLeft()
        }
    }

    /// How a command on a terminal comes to its end, other than by its container's.
    enum End: Sendable, CaseIterable {
        case kill, monitorKilled, hangUpSignal, hangUp, notFound
    }

    @EventLoop @Test(arguments: End.allCases) func theTerminalIsSetBackWhateverHappens(_ end: End) async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.onTerminal(
                "run", "--rm", "--name", "tty", "-it", "busybox", end == .notFound ? "nothing" : "sh")
            if end != .notFound { try await run.expect("# ") }
            switch end {
            case .kill:
                #expect(try await bulkhead("kill", "tty").code == 0)
                #expect(try await run.end() == 137)
            case .monitorKilled:
                // Killed before, it is a start that failed.
                try await bulkhead.wait(for: "start") { try await !bulkhead("ps", "-q").output.isEmpty }
                for pid in bulkhead.processes()
                where (try? Files.readText("/proc/\(pid)/cmdline"))?.hasPrefix("bulkhead-monitor\0") == true {
                    try PidFD(pid).signal(9)
                }
                #expect(try await run.end() == 137)
                try await run.expect("container tty was killed: its pod's monitor is no more")
            case .hangUpSignal:
                run.process.signal(SIGHUP)
                #expect(try await run.end() == 129)
                try await run.expect("container tty goes on\r\n")
            case .hangUp:
                run.hangUp()
                let exit = try await within(.seconds(5), waitingFor: "end") { try await run.process.exit.value() }
                #expect(exit.code == 129)
            case .notFound:
                #expect(try await run.end() == 127)
                try await run.expect("executable file not found in $PATH")
            }
            if end == .hangUpSignal || end == .hangUp {
                #expect(try await bulkhead("exec", "tty", "true").code == 0)
                #expect(try await bulkhead("kill", "tty").code == 0)
            }
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aTerminalIsNoneWithoutAKeyboard() async throws {
        try await Bulkhead.with { bulkhead in
            let refused = try await bulkhead("run", "--rm", "-it", "busybox", "sh")
            #expect(refused.code == 1)
            #expect(refused.error == "bulkhead: the input device is not a terminal: leave -t out\n")

            // Not raw: Ctrl-C is a signal, which is passed on.
            let run = try bulkhead.onTerminal(
                "run", "--rm", "-t", "busybox", "sh", "-c", "trap 'exit 7' INT; stty size; while :; do sleep 0.1; done")
            try await run.expect("33 101")
            #expect(try !run.isRaw)
            try await run.type("\u{3}")
            #expect(try await run.end() == 7)
            try await bulkhead.expectNothingLeft()
        }
    }
}
