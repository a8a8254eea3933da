import EventLoop
import Linux
import Support
import Testing

/// Two pods at once: neither sees the other, and a kernel that breaks is its own pod's.
@Suite(.serialized) struct PodIsolationTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func podsDoNotSeeEachOtherAndACrashIsOnesOwn() async throws {
        try await Bulkhead.with { bulkhead in
            let semaphore = Guest.repository + "/build/tests/semaphore"
            for pod in ["left", "right"] {
                try await bulkhead(
                    "run", "-d", "--pod", "new:" + pod, "--name", "in-" + pod, "--privileged", "-v",
                    semaphore + ":/semaphore:ro",
                    "busybox", "sh", "-c", "echo \(pod) > /dev/shm/name; exec nc -ll -p 8000 -e cat /dev/shm/name"
                ).expectSuccess()
            }
            func inside(_ pod: String, _ script: String) async throws -> String {
                try await bulkhead("exec", "in-" + pod, "sh", "-c", script).expectSuccess().output
            }
            // The same names and numbers in both, and each has its own.
            for pod in ["left", "right"] {
                #expect(try await inside(pod, "until nc 127.0.0.1 8000; do sleep 0.1; done") == pod + "\n")
                #expect(
                    try await inside(pod, "ls /dev/shm; /semaphore show 7 2>&1 || /semaphore make 7 3; echo made")
                        .hasSuffix("made\n"))
            }
            #expect(try await inside("left", "/semaphore show 7") == "3\n")
            _ = try await inside("left", "sleep 4321 & echo > /only-here; echo > /dev/shm/only-here")
            #expect(try await inside("right", "ps; ls / /dev/shm").contains("only-here") == false)
            #expect(try await inside("right", "ps").contains("4321") == false)
            #expect(
                try await inside("left", "cat /proc/sys/kernel/random/boot_id")
                    != inside("right", "cat /proc/sys/kernel/random/boot_id"))

            let crash = try await bulkhead("exec", "in-left", "sh", "-c", "echo c > /proc/sysrq-trigger; sleep 30")
            // The kernel may be gone before anybody has heard that the program began.
            #expect([1, 137].contains(crash.code), "\(crash)")
            try await bulkhead.wait(for: "the end of the left pod") {
                try await bulkhead("ps", "-a").output.contains("Exited (137)")
            }
            let why = try await bulkhead("inspect", "in-left").expectSuccess().output
            #expect(why.contains("kernel crashed") && why.contains(#""ExitCode": 137"#), "\(why)")
            #expect(try await inside("right", "nc 127.0.0.1 8000") == "right\n")
            #expect(try await bulkhead("pod", "ps").expectSuccess().output.contains("Running"))
            // And back.
            try await bulkhead("pod", "start", "left").expectSuccess()
            #expect(try await inside("left", "until nc 127.0.0.1 8000; do sleep 0.1; done") == "left\n")
            try await bulkhead("pod", "rm", "-f", "left", "right").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }

    @EventLoop @Test func twentyContainersAreInOnePod() async throws {
        try await Bulkhead.with { bulkhead in
            try await bulkhead("pod", "create", "many").expectSuccess()
            try await bulkhead("pod", "start", "many").expectSuccess()
            for number in 1...20 {
                try await bulkhead("run", "-d", "--pod", "many", "--name", "c\(number)", "busybox", "sleep", "600")
                    .expectSuccess()
            }
            #expect(try await bulkhead("ps", "-q").expectSuccess().output.split(separator: "\n").count == 20)
            #expect(
                try await bulkhead("pod", "inspect", "many").expectSuccess().output.contains(#""NumContainers": 20"#))
            for number in [1, 20] { try await bulkhead("exec", "c\(number)", "echo", "hi").expectOutput("hi\n") }
            try await bulkhead("pod", "rm", "-f", "many").expectSuccess()
            try await bulkhead.expectNothingLeft()
        }
    }
}
