import EventLoop
import Linux
import Support
import Testing

/// What `run --timing` says of the machine.
@Suite struct TimingTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func theMachineIsTheOneThatTheRunHad() async throws {
        try await Bulkhead.with { bulkhead in
            let none = try await bulkhead("run", "--rm", "--timing", "--pull", "never", "nosuch")
            #expect(none.code == 125 && none.error.hasPrefix("there was no machine\n"), "\(none)")
            let json = try await bulkhead("run", "--rm", "--timing-json", "--pull", "never", "nosuch")
            #expect(json.error.contains(#"{"Machine":null,"#), "\(json)")

            let booted = try await bulkhead("run", "--rm", "--timing", "--no-template", "busybox", "true")
                .expectSuccess()
            #expect(booted.error.hasPrefix("the machine is one that was booted\n"), "\(booted)")
            #expect(booted.error.contains(" monitor   first container started\n"), "\(booted)")
            // Of a start that has failed, too.
            let failed = try await bulkhead("run", "--rm", "--timing", "--no-template", "busybox", "/nosuch")
            #expect(failed.code == 127 && failed.error.contains("the machine is one that was booted\n"), "\(failed)")

            let first = try await bulkhead("run", "--rm", "--timing", "--pod", "new:shop", "busybox", "true")
            #expect(first.error.hasPrefix("the machine is ") && !first.error.contains("shop"), "\(first)")
            #expect(first.error.contains(" monitor   pod assigned\n"), "\(first)")
            let second = try await bulkhead("run", "--rm", "--timing", "--pod", "shop", "busybox", "true")
            #expect(second.error.hasPrefix("the machine is that of pod shop, which ran already\n"), "\(second)")
            #expect(!second.error.contains(" monitor "), "\(second)")
            try await bulkhead("pod", "rm", "-f", "shop").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }
}
