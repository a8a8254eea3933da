import AgentAPI
import EventLoop
import Glibc
import Linux
import Protobuf
import Support
import Testing

@testable import Container

/// Seccomp profiles on real processes: the filter is made by a container's init, once.
@Suite(.enabled(if: getuid() == 0, "containers take root")) struct SeccompTests {
    init() { BackgroundLoop.start() }

    /// sethostname is refused with that error.
    private func profile(errno: UInt32) throws -> Encoded<SeccompSpec> {
        var rule = SeccompRule()
        (rule.names, rule.action, rule.errno) = (["sethostname"], "SCMP_ACT_ERRNO", errno)
        var profile = SeccompSpec()
        (profile.defaultAction, profile.rules) = ("SCMP_ACT_ALLOW", [rule])
        return try Encoded(profile)
    }

    @Test(arguments: [false, true]) @EventLoop func aFilterIsMadeOnceAndHoldsForAll(_ noNewPrivileges: Bool)
        async throws
    {
        let fixture = try Fixture()
        let output = try Files.inMemory([], name: "output", sealed: false)
        var spec = fixture.spec(["sleep", "1000"])
        spec.seccomp = try profile(errno: 95)
        spec.process.noNewPrivileges = noNewPrivileges
        let container = try await fixture.create(spec, output: output)
        try await container.start()
        let made = try #require(fixture.runtime.filters.program(for: spec.seccomp))
        #expect(made.instructions.count % 8 == 0)
        let number = output.withRaw { $0 }
        var process = Fixture.process(["sh", "-c", "hostname x; grep Seccomp: /proc/self/status"])
        process.noNewPrivileges = noNewPrivileges
        let streams = StandardStreams(input: number, output: number, error: number)
        _ = try await container.exec(process, streams: streams).exit.value()
        try await container.delete()
        let text = "hostname: sethostname: Operation not supported\nSeccomp:\t2"
        #expect(try Fixture.content(output) == text)
        // The next container's is the kept one; another profile's is another.
        spec.process.arguments = ["hostname", "x"]
        #expect(try await fixture.run(spec).output == "hostname: sethostname: Operation not supported")
        #expect(fixture.runtime.filters.program(for: spec.seccomp) == made)
        spec.seccomp = try profile(errno: 38)
        #expect(try await fixture.run(spec).output == "hostname: sethostname: Function not implemented")
        spec.seccomp = nil
        #expect(try await fixture.run(spec).output == "hostname: sethostname: Operation not permitted")
    }

    @Test @EventLoop func thoseUsedLastAreKept() throws {
        let cache = FilterCache()
        let profiles = try (0..<20).map { try profile(errno: $0) }
        for (number, profile) in profiles.enumerated() {
            cache.keep(SeccompProgram(instructions: [UInt8(number)], flags: 0), for: profile)
            #expect(cache.program(for: profiles[0])?.instructions == [0])
        }
        #expect(cache.program(for: profiles[12]) == nil)
        #expect(cache.program(for: profiles[19])?.instructions == [19])
        #expect(cache.program(for: nil) == nil)
    }
}
