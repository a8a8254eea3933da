import EventLog
import EventLoop
import Glibc
import Linux
import Support
import Testing

/// `bulkhead events` on a log that the test writes.
@Suite(.serialized) struct EventsTests {
    init() { BackgroundLoop.start() }

    private static func event(_ action: String, _ name: String, at time: Int64 = WallClock.now) -> Event {
        Event(time: time, kind: .container, action: action, id: "0123", attributes: ["name": name, "image": "busybox"])
    }

    @EventLoop @Test func thePastIsShownAndThatIsAll() async throws {
        try await Bulkhead.with { bulkhead in
            let none = try await bulkhead("events", "--until", "1s")
            #expect(none.code == 0 && none.output == "" && none.error == "", "\(none)")
            let writer = EventLogWriter(directory: bulkhead.root + "/events")
            let time: Int64 = 1_483_576_558_000_000_000
            try writer.append(Self.event("create", "web", at: time))
            try writer.append(Self.event("start", "web", at: time + 1))
            try writer.append(Self.event("create", "db", at: time + 2))
            let tail = "0123 (image=busybox, name=web)\n"
            let all = try await bulkhead("events", "--since", "2017-01-05", "--until", "1s", "-f", "container=web")
            #expect(
                all.output == "2017-01-05T00:35:58.000000000Z container create \(tail)"
                    + "2017-01-05T00:35:58.000000001Z container start \(tail)")
            let json = try await bulkhead(
                "events", "--since", "1483576558.000000001", "--until", "1s", "--format", "json", "-f", "event=create")
            #expect(json.output == Self.event("create", "db", at: time + 2).json + "\n")
            #expect(try await bulkhead("events", "--since", "1h", "--until", "1s").output == "")
            // A moment that is still to come ends it as well.
            let coming = try await bulkhead("events", "--since", "0", "--until", "-300ms", "-f", "container=db")
            #expect(coming.code == 0 && coming.output.hasSuffix("name=db)\n"), "\(coming)")
        }
    }

    @EventLoop @Test(arguments: [SIGINT, SIGTERM]) func whatComesIsShownUntilItIsInterrupted(_ signal: Int32)
        async throws
    {
        try await Bulkhead.with { bulkhead in
            let writer = EventLogWriter(directory: bulkhead.root + "/events", fileBytes: 1000)
            try writer.append(Self.event("create", "web"))
            let command = try bulkhead.start(["events", "--since", "1h"])
            #expect(try await command.line().hasSuffix(" container create 0123 (image=busybox, name=web)"))
            for number in 0..<20 {
                try writer.append(Self.event("start", "\(number)"))
                #expect(try await command.line().hasSuffix("name=\(number))"))
            }
            command.process.signal(signal)
            let end = try await command.end()
            #expect(end.code == 0 && end.output == "" && end.error == "", "\(end)")
        }
    }

    /// By its monitor and by the commands; and by the reaper, when the monitor is killed.
    @EventLoop @Test func whatHappensToContainersAndPodsIsWrittenDown() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("run", "--rm", "--pod", "new:shop", "--name", "job", "busybox", "sh", "-c", "exit 3")
                .expectError(3, "")
            try await bulkhead("run", "-d", "--pod", "shop", "--name", "web", "busybox", "sleep", "600").expectSuccess()
            try await bulkhead("exec", "web", "true").expectSuccess()
            for pid in bulkhead.processes()
            where (try? Files.readText("/proc/\(pid)/cmdline"))?.hasPrefix("bulkhead-monitor") == true {
                try PidFD(pid).signal(9)
            }
            try await bulkhead.waitUntilNothingRuns("the reaper's end")
            try await bulkhead("pod", "rm", "shop").expectSuccess()
            func actions(_ filter: String...) async throws -> [Substring] {
                let shown = try await bulkhead(
                    list: ["events", "--since", "1h", "--until", "0s"] + filter.flatMap { ["-f", $0] }
                ).expectSuccess().output
                return shown.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst(2).first }
            }
            #expect(try await actions("container=job") == ["create", "start", "die", "destroy"])
            #expect(
                try await actions("container=web")
                    == ["create", "start", "exec_create:", "exec_start:", "exec_die", "die", "destroy"])
            #expect(try await actions("type=pod") == ["create", "start", "die", "destroy"])
            let died = try await bulkhead("events", "--since", "1h", "--until", "0s", "-f", "event=die").expectSuccess()
            #expect(died.output.contains("exitCode=3") && died.output.contains("exitCode=137"), "\(died)")
        }
    }
}
