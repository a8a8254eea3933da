import EventLoop
import Linux
import Support
import Testing

/// `bulkhead prune`, which removes what nobody needs and nothing else.
@Suite(.serialized) struct PruneTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func whatRunsAndWhatIsNeededStays() async throws {
        try await Bulkhead.with { bulkhead in
            func ids(_ list: String...) async throws -> Set<Substring> {
                let found = try await bulkhead(list: list).expectSuccess().output
                return Set(found.split(separator: "\n"))
            }
            try await bulkhead("run", "--name", "over", "--label", "keep=no", "busybox", "true").expectSuccess()
            try await bulkhead("run", "--name", "kept", "busybox", "true").expectSuccess()
            try await bulkhead("run", "-d", "--pod", "new:shop", "--name", "web", "busybox", "sleep", "600")
                .expectSuccess()
            try await bulkhead("run", "--pod", "shop", "--name", "job", "busybox", "sh", "-c", "echo done >/file")
                .expectSuccess()
            try await bulkhead("pod", "create", "idle").expectSuccess()

            try await bulkhead("prune").expectError(1, "use -f")
            try await bulkhead("prune", "-f", "--filter", "until=1h").expectOutput("Total reclaimed space: 0B\n")
            let over = try #require(try await ids("ps", "-aq", "--no-trunc", "--filter", "name=over").first)
            let one = try await bulkhead("prune", "-f", "--filter", "label=keep=no").expectSuccess().output
            #expect(one.hasPrefix("Deleted Containers:\n\(over)\n\nTotal reclaimed space: "), "\(one)")
            #expect(!one.contains("space: 0B"))
            let events = try await bulkhead("events", "--since", "1h", "--until", "0s", "-f", "event=destroy")
            #expect(events.output.contains("container destroy \(over)"), "\(events)")

            // The ended one of a pod that runs goes from its machine, too.
            let rest = try await bulkhead("prune", "--force", "--images").expectSuccess().output
            #expect(rest.contains("Deleted Containers:\n") && rest.contains("\n\nDeleted Pods:\n"), "\(rest)")
            #expect(!rest.contains("Deleted Images"), "\(rest)")
            #expect(try await ids("ps", "-a", "--format", "json").count == 1)
            #expect(try await ids("pod", "ps", "-q").count == 1)
            try await bulkhead("run", "--rm", "--pod", "shop", "--name", "job", "busybox", "cat", "/file")
                .expectError(1, "can't open '/file'")
            try await bulkhead("exec", "web", "true").expectSuccess()

            try await bulkhead("rm", "-f", "web").expectSuccess()
            try await bulkhead("pod", "stop", "shop").expectSuccess()
            let last = try await bulkhead("prune", "-f", "--images").expectSuccess().output
            #expect(last.contains("Deleted Pods:\n"), "\(last)")
            #expect(last.contains("Deleted Images:\nuntagged: busybox:latest\ndeleted: sha256:"), "\(last)")
            #expect(try await ids("image", "ls", "-q").isEmpty)
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func aPodThatHasContainersStays() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("pod", "create", "--label", "tier=front", "shop").expectSuccess()
            try await bulkhead("run", "--pod", "shop", "--name", "job", "busybox", "true").expectSuccess()
            try await bulkhead("pod", "stop", "shop").expectSuccess()
            try await bulkhead("prune", "-f", "--filter", "label=tier").expectOutput("Total reclaimed space: 0B\n")
            let all = try await bulkhead("prune", "-f").expectSuccess().output
            #expect(all.contains("Deleted Containers:\n") && all.contains("\n\nDeleted Pods:\n"), "\(all)")
            try await bulkhead.expectNothingLeft()
        }
    }

    /// One that boots has no program yet, and is somebody's all the same.
    @EventLoop @Test func whatIsJustBeingMadeStays() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.start(["run", "--name", "web", "busybox", "echo", "hello"])
            try await bulkhead.wait(for: "record") {
                try await bulkhead("ps", "-aq").output != ""
            }
            for _ in 0..<5 { try await bulkhead("prune", "-f").expectOutput("Total reclaimed space: 0B\n") }
            try await run.end().expectOutput("hello\n")
            try await bulkhead("prune", "-f").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test(arguments: [("y\r", true), ("n\r", false), ("\r", false), ("\u{4}", false)])
    func aTerminalIsAsked(_ answer: String, _ isYes: Bool) async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("pod", "create", "idle").expectSuccess()
            let prune = try bulkhead.onTerminal("prune")
            try await prune.expect("all pods that do not run and have no container left\r\nAre you sure? [y/N] ")
            try await prune.type(answer)
            try await prune.expect(isYes ? "Deleted Pods:" : "nothing has been removed")
            #expect(try await prune.end() == (isYes ? 0 : 1))
            #expect(try await bulkhead("pod", "ps", "-q").output.isEmpty == isYes)
        }
    }
}
