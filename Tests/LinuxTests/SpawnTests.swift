import Glibc
import Testing

@testable import Linux

@Suite struct SpawnTests {
    /// Runs a shell script with stdout in a file, and returns what it wrote and how it ended.
    private func shell(
        _ script: String, environment: [String] = [], configure: (inout SpawnPlan) -> Void = { _ in },
        extra: [DescriptorMapping] = []
    ) throws -> (output: String, status: ProcessExit) {
        let output = try Files.inMemory([], name: "output", sealed: false)
        var plan = SpawnPlan("/bin/sh", ["sh", "-c", script], environment: environment)
        configure(&plan)
        let raw = output.withRaw { $0 }
        let child = try plan.start(
            descriptors: [DescriptorMapping(raw, as: 1), DescriptorMapping(raw, as: 2)] + extra)
        let status = try child.pidfd.wait()
        _ = output.withRaw { lseek($0, 0, SEEK_SET) }
        return (String(decoding: try output.readAll(limit: 1 << 20), as: UTF8.self), status)
    }

    @Test(arguments: [
        ("exit 0", ProcessExit.exited(code: 0), Int32(0)), ("exit 42", .exited(code: 42), 42),
        ("kill -TERM $$", .signaled(15), 143), ("kill -9 $$", .signaled(9), 137),
    ]) func reportsHowAProcessEnded(script: String, status: ProcessExit, code: Int32) throws {
        let result = try shell(script)
        #expect(result.status == status)
        #expect(result.status.code == code)
    }

    @Test func passesArgumentsAndEnvironmentAsTheyAre() throws {
        let result = try shell("echo \"$A|$HOME|$PATH\"", environment: ["A=x  y'\"$(id)"])
        // dash gives PATH a value of its own when there is none.
        #expect(result.output.hasPrefix("x  y'\"$(id)||"))
    }

    @Test(arguments: [false, true]) func newPrivilegesAreForbiddenOnDemand(_ forbids: Bool) throws {
        let result = try shell("grep NoNewPrivs /proc/self/status", environment: ["PATH=/bin:/usr/bin"]) {
            $0.forbidsNewPrivileges = forbids
        }
        #expect(result.output == "NoNewPrivs:\t\(forbids ? 1 : 0)\n")
    }

    private func run(
        _ script: String, keeping bytes: Int = 100, within limit: Duration = .seconds(60)
    ) throws(SystemCallError) -> SpawnPlan.Outcome {
        let input = try Files.inMemory(Array("given".utf8), name: "input")
        return try SpawnPlan("/bin/sh", ["sh", "-c", script], environment: ["PATH=/bin:/usr/bin"])
            .run(input: input, keeping: bytes, within: limit)
    }

    @Test func whatIsRunToItsEndIsToldOf() throws {
        let outcome = try run("cat; echo err >&2; exit 3")
        #expect(outcome.exit == .exited(code: 3) && !outcome.isLate)
        #expect(outcome.output == Array("given".utf8) && outcome.error == Array("err\n".utf8))
        // More than a pipe holds, of which the beginning is kept; and a child that goes on with the pipes.
        let loud = try run("yes | head -c 1000000; sleep 1000 & echo $! >&2; exit 0", keeping: 9)
        #expect(loud.exit == .exited(code: 0) && !loud.isLate)
        #expect(loud.output == Array("y\ny\ny\ny\ny".utf8))
        let left = try #require(Int32(String(decoding: loud.error.dropLast(), as: UTF8.self)))
        #expect(kill(left, SIGKILL) == 0)
        // One that writes no more is not waited for in vain.
        #expect(try run("exec >&- 2>&-; exit 4").exit == .exited(code: 4))
        let late = try run("echo waits; exec sleep 1000", within: .milliseconds(300))
        #expect(late.exit == .signaled(SIGKILL) && late.isLate)
        #expect(late.output == Array("waits\n".utf8))
        let error = #expect(throws: SystemCallError.self) {
            _ = try SpawnPlan("/no/such", ["x"]).run(input: Files.open("/dev/null"), keeping: 1, within: .seconds(60))
        }
        #expect(error?.description == "execve /no/such: No such file or directory")
    }

    @Test func theChildHasNoOtherDescriptors() throws {
        let secret = try Files.open("/etc/passwd")
        let inheritable = secret.withRaw { dup($0) }  // Not close-on-exec.
        defer { close(inheritable) }
        let result = try shell(
            "ls -l /proc/self/fd | grep -c -e passwd -e pipe -e socket", environment: ["PATH=/bin:/usr/bin"])
        #expect(result.output == "1\n")  // The pipe of the two.
    }

    @Test func descriptorsMayTradePlaces() throws {
        let first = try Files.inMemory(Array("first".utf8), name: "first")
        let second = try Files.inMemory(Array("second".utf8), name: "second")
        let (a, b) = (first.withRaw { $0 }, second.withRaw { $0 })
        let result = try shell(
            "cat /proc/self/fd/\(a); echo; cat /proc/self/fd/\(b)", environment: ["PATH=/bin:/usr/bin"],
            extra: [DescriptorMapping(a, as: b), DescriptorMapping(b, as: a)])
        #expect(result.output == "second\nfirst")
    }

    @Test func aMissingProgramIsAnErrorAndLeavesNoChild() throws {
        #expect(throws: SystemCallError("execve", "/no/such", code: ENOENT)) {
            _ = try SpawnPlan("/no/such", ["x"]).start()
        }
        #expect(throws: SystemCallError("execve", "/etc/passwd", code: EACCES)) {
            _ = try SpawnPlan("/etc/passwd", ["x"]).start()
        }
    }

    @Test func theProgramMayBeADescriptor() throws {
        let program = try Files.open("/bin/true", .path)
        let child = try SpawnPlan("", ["true"]).start(programFD: program.withRaw { $0 })
        #expect(try child.pidfd.wait() == .exited(code: 0))
    }

    @Test func signalsAreBackToDefaultInTheChild() throws {
        try ignoreSignal(SIGPIPE)
        let blocked = SignalSet([SIGTERM, SIGUSR1])
        try blocked.block()
        let result = try shell("grep -E 'Sig(Blk|Ign)' /proc/self/status", environment: ["PATH=/bin:/usr/bin"])
        // Signal 32 is libc's own: what it inherited there is not ours to change.
        let ignored = result.output.hasSuffix("SigIgn:\t0000000000000000\n") || result.output.hasSuffix("80000000\n")
        #expect(result.output.hasPrefix("SigBlk:\t0000000000000000\nSigIgn:\t00000000"))
        #expect(ignored)
    }

    @Test func newNamespacesAreNew() throws {
        let result = try shell("echo $$; readlink /proc/self/ns/net", environment: ["PATH=/bin:/usr/bin"]) {
            $0.newNamespaces = [.pid, .network, .mount]
        }
        #expect(result.output.hasPrefix("1\nnet:["))
        #expect(result.output != "1\n" + (try Files.readLink("/proc/self/ns/net")) + "\n")
    }

    @Test func joinsThePidNamespaceOfAnother() throws {
        var outer = SpawnPlan("/bin/sleep", ["sleep", "60"])
        outer.newNamespaces = [.pid, .mount]
        let first = try outer.start()
        defer { try? first.pidfd.signal(SIGKILL) }
        let output = try Files.inMemory([], name: "output", sealed: false)
        var plan = SpawnPlan("/bin/sh", ["sh", "-c", "echo $$; exit 7"])
        plan.joinNamespaces = [.pid, .mount]
        let child = try plan.start(
            descriptors: [DescriptorMapping(output.withRaw { $0 }, as: 1)], joining: first.pidfd.fd.withRaw { $0 })
        #expect(try child.pidfd.wait() == .exited(code: 7))
        _ = output.withRaw { lseek($0, 0, SEEK_SET) }
        let number = String(decoding: try output.readAll(limit: 100), as: UTF8.self)
        #expect(number == "2\n" || number == "3\n")
        #expect(throws: SystemCallError("execve", "/no/such", code: ENOENT)) {
            plan.program = "/no/such"
            _ = try plan.start(joining: first.pidfd.fd.withRaw { $0 })
        }
    }

    @Test func theDeathSignalEndsTheChildWithTheThreadThatMadeIt() throws {
        var thread = pthread_t()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { result in
            let child = try? SpawnPlan("/bin/sleep", ["sleep", "60"]).start()
            switch consume child {
            case .some(let child): result?.storeBytes(of: child.pid, as: pid_t.self)
            case .none: break
            }
            return nil
        }
        var pid: pid_t = -1
        #expect(pthread_create(&thread, nil, body, &pid) == 0)
        pthread_join(thread, nil)
        #expect(pid > 0)
        let child = try PidFD(pid)
        #expect(try child.wait() == .signaled(SIGKILL))
    }

    @Test(
        arguments: [
            ("/bin/sh", nil), ("/etc/passwd", EACCES), ("/etc", EACCES), ("/no/thing", ENOENT),
            ("/etc/passwd/x", ENOTDIR),
        ] as [(String, CInt?)]) func whatCanBeExecutedIsKnown(_ path: String, _ code: CInt?)
    {
        do {
            try Files.checkExecutable(path)
            #expect(code == nil)
        } catch {
            #expect(error.code == code)
        }
    }
}
