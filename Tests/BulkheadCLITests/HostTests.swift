import EventLoop
import FrontEnd
import Linux
import PodDirectory
import Support
import Testing

@testable import BulkheadCLI

@Suite struct HostTests {
    init() { BackgroundLoop.start() }

    /// A reaper may be killed in the middle of it, after somebody has begun to wait for it.
    @EventLoop @Test func whatAKilledReaperHasLeftIsUndoneByWhoeverWaits() async throws {
        let state = "/tmp/bulkhead-host-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        defer { try? Files.removeTree(state) }
        guard
            case .invoke(let invocation) = try Verbs.tree.parse(["--state-dir", state, "--root", state + "/root", "ps"])
        else { return }
        let host = try Host(invocation.arguments)
        // Has the lock, as a reaper has.
        var reaper: PodDirectory? = try PodDirectory.make(state: state, id: "a")
        let waiting = Task { @EventLoop in try await host.waitForReaper("a", within: .seconds(120)) }
        try await EventLoop.sleep(for: .milliseconds(200))
        #expect(reaper?.exists() == true)
        reaper = nil
        try await waiting.value
        #expect(!Files.exists(host.paths("a").pod))
    }
}
