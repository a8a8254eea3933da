import EventLoop
import Glibc
import Linux
import Pod
import Support
import Testing

/// `bulkhead` between pipes whose other ends do not what one hopes.
@Suite(.serialized) struct PipeTests {
    init() { BackgroundLoop.start() }

    /// The container writes until everything between it and the reader is full, and ends.
    @EventLoop @Test func aReaderMayBeSlowOrNeverRead() async throws {
        let script = """
            dd if=/dev/zero bs=4096 count=2000 2>/dev/null & sleep 2
            sed -n 's/^wchar: //p' /proc/$!/io >&2; kill -9 $!; exit 4
            """
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.start(["run", "--name", "slow", "busybox", "sh", "-c", script])
            try await bulkhead.wait(for: "status") { bulkhead.hasStatus(.exited) }
            #expect(try await bulkhead("wait", "slow", within: .seconds(3)).output == "4\n")
            try await bulkhead.expectNothingLeft(containers: 1)
            #expect(run.process.exit.current == nil)
            // None is lost.
            let result = try await run.end()
            #expect(result.code == 4)
            let written = try #require(Int(result.error.filter(\.isNumber)), "\(result.error)")
            #expect(result.output.utf8.count == written)
            #expect((500_000..<8_000_000).contains(written))

            let stuck = try bulkhead.start(["start", "-a", "slow"])
            // It runs for a moment only; it is new for as long as its machine boots.
            try await bulkhead.wait(for: "new start") { !bulkhead.hasStatus(.exited) }
            try await bulkhead.wait(for: "status") { bulkhead.hasStatus(.exited) }
            try await bulkhead.expectNothingLeft(containers: 1)
            stuck.process.signal(SIGINT)
            let exit = try await within(.seconds(3), waitingFor: "end") { try await stuck.process.exit.value() }
            #expect(exit.code == 130)
            #expect(try await stuck.end().error.contains("not all of its output has been read"))
            #expect(try await bulkhead("rm", "slow").code == 0)
        }
    }

    @EventLoop @Test func aContainerGoesOnWhenItsReaderHasHadEnough() async throws {
        try await Bulkhead.with { bulkhead in
            let run = try bulkhead.start(
                ["run", "--rm", "--name", "yes", "busybox", "sh", "-c", "while :; do echo y; done"])
            #expect(try await run.line() == "y")
            run.closeOutput()
            let result = try await run.end(within: .seconds(5))
            #expect(result.code == 125)
            #expect(result.error == "bulkhead: whoever read the output has closed it; container yes goes on\n")
            #expect(try await bulkhead("exec", "yes", "true").code == 0)
            #expect(try await bulkhead("kill", "yes").code == 0)
            try await bulkhead.expectNothingLeft()

            // One that ends soon has ended: its exit code is what counts.
            let short = try bulkhead.start(["run", "--rm", "busybox", "sh", "-c", "seq 40000; exit 6"])
            #expect(try await short.line() == "1")
            short.closeOutput()
            let end = try await short.end()
            #expect(end.code == 6)
            #expect(end.error == "")
            try await bulkhead.expectNothingLeft()
        }
    }
}

extension Bulkhead {
    /// Whether some container's record says so.
    fileprivate func hasStatus(_ phase: ContainerStatus.Phase) -> Bool {
        let directory = root + "/containers"
        return ((try? Files.names(in: directory)) ?? []).contains { id in
            guard let bytes = try? Files.read("\(directory)/\(id)/\(ContainerStatus.fileName)", limit: 1 << 16) else {
                return false
            }
            return ContainerStatus(serialized: bytes)?.phase == phase
        }
    }
}
