import Pod
import Testing

@Suite struct RestartPolicyTests {
    @Test(arguments: [
        ("no", RestartPolicy.no), ("", .no), ("always", .always), ("unless-stopped", .unlessStopped),
        ("on-failure", .onFailure(maximum: nil)), ("on-failure:3", .onFailure(maximum: 3)),
        ("on-failure:0", .onFailure(maximum: nil)),
    ]) func whatIsWrittenIsRead(_ text: String, _ policy: RestartPolicy) {
        #expect(RestartPolicy(text) == policy)
        #expect(RestartPolicy(policy.text) == policy)
    }

    @Test(arguments: [
        "yes", "always:1", "no:", "on-failure:", "on-failure:x", "on-failure:-1", "on-failure:1:2", "Always",
        "on-failure:99999999999999999999",
    ]) func whatIsNoneIsRefused(_ text: String) { #expect(RestartPolicy(text) == nil) }

    @Test(arguments: [
        (RestartPolicy.no, UInt32(1), 0, false), (.always, 0, 9, true), (.unlessStopped, 137, 9, true),
        (.onFailure(maximum: nil), 0, 0, false), (.onFailure(maximum: nil), 1, 100, true),
        (.onFailure(maximum: 2), 1, 0, true), (.onFailure(maximum: 2), 1, 1, true),
        (.onFailure(maximum: 2), 1, 2, false), (.onFailure(maximum: 2), 0, 0, false),
    ]) func itDecides(_ policy: RestartPolicy, _ status: UInt32, _ count: Int, _ restarts: Bool) {
        #expect(policy.restarts(afterStatus: status, count: count) == restarts)
    }

    @Test func delaysDoubleUpToAMinuteAndBeginAnewAfterAGoodRun() {
        var backoff = RestartBackoff()
        var delays: [Duration] = []
        for _ in 0..<12 { delays.append(backoff.delay(after: .seconds(1))) }
        #expect(delays.prefix(4) == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
        #expect(delays.last == .seconds(60))
        #expect(backoff.delay(after: .seconds(10)) == .milliseconds(100))
        #expect(backoff.delay(after: .seconds(9)) == .milliseconds(200))
    }
}

@Suite struct HealthTests {
    private static let check = HealthCheck(command: ["true"], startPeriod: .seconds(60), retries: 2)
    private static let second: Int64 = 1_000_000_000

    private static func probe(_ code: Int32, at seconds: Int64) -> Health.Probe {
        Health.Probe(start: seconds * second, end: seconds * second, exitCode: code, output: "o")
    }

    struct Row: Sendable, CustomTestStringConvertible {
        /// Exit codes by the second.
        let probes: [(Int64, Int32)], status: Health.Status, failures: Int, changes: Int
        var testDescription: String { "\(probes)" }
    }

    @Test(arguments: [
        Row(probes: [], status: .starting, failures: 0, changes: 0),
        Row(probes: [(1, 0)], status: .healthy, failures: 0, changes: 1),
        // While it starts, failures count for nothing.
        Row(probes: [(1, 1), (2, 1), (3, 1)], status: .starting, failures: 0, changes: 0),
        Row(probes: [(59, 1), (60, 1), (61, 1)], status: .unhealthy, failures: 2, changes: 1),
        // Once healthy, it has started.
        Row(probes: [(1, 0), (2, 1)], status: .healthy, failures: 1, changes: 1),
        Row(probes: [(1, 0), (2, 1), (3, -1)], status: .unhealthy, failures: 2, changes: 2),
        Row(probes: [(1, 0), (2, 1), (3, 1), (4, 0)], status: .healthy, failures: 0, changes: 3),
        Row(probes: [(1, 0), (2, 1), (3, 0), (4, 1)], status: .healthy, failures: 1, changes: 1),
    ]) func probesMakeAStatus(_ row: Row) {
        var health = Health()
        var changes = 0
        for (time, code) in row.probes where health.take(Self.probe(code, at: time), of: Self.check, startedAt: 0) {
            changes += 1
        }
        #expect(health.status == row.status && health.failures == row.failures && changes == row.changes)
    }

    @Test func theLastProbesAreKept() {
        var health = Health()
        for time in 0..<20 { _ = health.take(Self.probe(0, at: Int64(time)), of: Self.check, startedAt: 0) }
        #expect(health.log.map(\.start) == (15..<20).map { Int64($0) * Self.second })
    }

    @Test func theNextProbeComesSoonerWhileItStarts() {
        var health = Health()
        #expect(health.pause(of: Self.check, sinceStart: .seconds(1)) == .seconds(5))
        #expect(health.pause(of: Self.check, sinceStart: .seconds(60)) == .seconds(30))
        _ = health.take(Self.probe(0, at: 1), of: Self.check, startedAt: 0)
        #expect(health.pause(of: Self.check, sinceStart: .seconds(2)) == .seconds(30))
    }
}
