import CommandTree
import ContainerStore
import EventLog
import Glibc
import JSON
import Linux
import OCI
import Pod
import SpecTranslation
import TaskAPI
import Testing

@testable import BulkheadCLI

@Suite struct VerbsTests {
    @Test func theTreeIsDeclaredWithoutMistakes() {
        #expect(Verbs.tree.mistakes == [])
    }

    @Test func everyVerbOfTheTreeIsDispatched() {
        let leaves = Verbs.tree.allCommands.filter { $0.command.subcommands.isEmpty }.map(\.path)
        #expect(Set(leaves) == Set(Verbs.all.map(\.path)))
    }
}

@Suite struct CompletionOfTheTreeTests {
    @Test(
        arguments: [
            ("rm", .container), ("exec", .container), ("logs -f", .container), ("inspect", .container),
            ("top", .container), ("stats web", .container), ("pod top", .pod), ("pod stats --all", .pod),
            ("run", .image),
            ("run --rm", .image), ("image rm", .image), ("image pull", .image), ("image load", .file),
            ("image load -i", .file), ("run --env-file", .file), ("run -v", .file), ("--root", .directory),
            ("run --name", .nothing), ("run busybox", .nothing), ("exec web", .nothing),
            ("debug report", .podOrContainer),
            ("debug shell", .podOrContainer), ("debug shell web", .nothing),
        ] as [(String, Completable)]) func namesAreLookedUp(_ line: String, _ kind: Completable)
    {
        #expect(Verbs.tree.completion(of: line.split(separator: " ").map(String.init) + [""]).lookUp == kind)
    }

    @Test(arguments: [
        ("completion ", ["bash", "zsh", "fish"]), ("kill -s KI", ["KILL"]), ("image ls --format=j", ["--format=json"]),
        ("ps -f stat", ["status="]), ("__", []), ("completion --", ["--help"]),
        ("prune --filter unt", ["until="]),
    ]) func choicesAreOffered(_ line: String, _ candidates: [String]) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        #expect(Verbs.tree.completion(of: words).candidates.map(\.text) == candidates)
    }
}

@Suite struct EventsTests {
    @Test(arguments: [
        ("event=die", EventFilter.Term(.event, "die")), ("label=a=b", .init(.label, "a=b")),
        ("type=pod", .init(.type, "pod")), ("container=", .init(.container, "")), ("type=network", nil), ("event", nil),
        ("=die", nil), ("volume=a", nil), ("evnt=die", nil),
    ]) func filtersAreReadOrRefused(_ text: String, _ term: EventFilter.Term?) {
        do throws(ValueError) { #expect(try EventFilter.Term.parse(text) == term) } catch { #expect(term == nil) }
    }

    @Test(arguments: [
        ("json", Events.Format.json), ("text", .text), ("{{json .}}", .json), ("{{ json . }}", .json), ("yaml", nil),
        ("{{.ID}}", nil),
    ]) func formatsAreReadOrRefused(_ text: String, _ format: Events.Format?) {
        do throws(ValueError) { #expect(try Events.Format.parse(text) == format) } catch { #expect(format == nil) }
    }
}

/// Every command and flag of docker's that is not there is refused by its name.
@Suite struct MissingTests {
    /// Of Docker 28 and, behind the bar, of releases from 20.10 on.
    private static let flags = [
        "run": """
        add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile \
        cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus \
        cpuset-mems detach detach-keys device device-cgroup-rule device-read-bps device-read-iops \
        device-write-bps device-write-iops disable-content-trust dns dns-option dns-search domainname entrypoint \
        env env-file expose gpus group-add health-cmd health-interval health-retries health-start-interval \
        health-start-period health-timeout hostname init interactive io-maxbandwidth io-maxiops ip ip6 ipc \
        isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address memory \
        memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck \
        oom-kill-disable oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet \
        read-only restart rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl \
        tmpfs tty ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir \
        dns-opt net net-alias
        """,
        "ps": "all filter format last latest no-trunc quiet size", "inspect": "format size type",
        "events": "filter format since until",
        "logs": "details follow since tail timestamps until",
        "exec": "detach detach-keys env env-file interactive privileged tty user workdir",
        "stop": "signal timeout time", "kill": "signal", "rm": "force link volumes",
        "stats": "all format no-stream no-trunc", "top": "",
        "start": "attach checkpoint checkpoint-dir detach-keys interactive",
        "image ls": "all digests filter format no-trunc quiet tree", "image inspect": "format platform",
        "image pull": "all-tags disable-content-trust platform quiet", "image load": "input platform quiet",
        "image rm": "force no-prune platform", "prune": "all filter force volumes",
    ]

    @Test(arguments: Self.flags.keys.sorted()) func everyFlagIsKnown(_ verb: String) throws {
        let command = try #require(Verbs.tree.command(at: verb.split(separator: " ").map(String.init)))
        let known = Set(command.options.flatMap(\.names) + command.notYet.map(\.name))
        let docker = Self.flags[verb]?.split(separator: " ").map(String.init) ?? []
        #expect(docker.filter { !known.contains($0) } == [])
    }

    private static let commands = """
        run exec ps build pull push images login logout search version info builder checkpoint container context \
        image manifest network plugin system trust volume config node secret service stack swarm attach commit cp \
        create diff events export history import inspect kill load logs pause port rename restart rm rmi save start \
        stats stop tag top unpause update wait
        """

    @Test(arguments: ["", "image"]) func everyCommandIsKnown(_ group: String) throws {
        let command = try #require(Verbs.tree.command(at: group.isEmpty ? [] : [group]))
        let known = Set(command.subcommands.map(\.name) + command.notYetCommands.map(\.name))
        let docker = group.isEmpty ? Self.commands : "build history import inspect load ls prune pull push rm save tag"
        #expect(docker.split(separator: " ").map(String.init).filter { !known.contains($0) } == [])
    }

    /// What is on when nothing is said is asked for, or not, by its absence: off is what is not there.
    @Test(arguments: ["--sig-proxy=false", "--disable-content-trust=false"])
    func whatCannotBeTurnedOffIsNotIgnored(_ flag: String) {
        let error = #expect(throws: UsageError.self) { _ = try Verbs.tree.parse(["run", flag, "busybox"]) }
        #expect(error?.description.contains("is not supported") == true)
    }

    @Test(arguments: ["--sig-proxy", "--sig-proxy=true", "--disable-content-trust", "--disable-content-trust=true"])
    func whatHappensAnywayMayBeAskedFor(_ flag: String) throws {
        guard case .invoke(let invocation) = try Verbs.tree.parse(["run", flag, "busybox"]) else {
            Issue.record("no command")
            return
        }
        #expect(invocation.arguments.operands == ["busybox"])
    }
}

@Suite struct DetachKeysTests {
    @Test(arguments: [
        (["ab"], "ab", false), (["\u{10}\u{11}"], "", true), (["a\u{10}", "\u{11}b"], "a", true),
        (["\u{10}a"], "\u{10}a", false), (["\u{10}\u{10}\u{11}"], "\u{10}", true), (["\u{11}\u{10}"], "\u{11}", false),
        (["\u{10}", "x", "\u{10}", "\u{11}"], "\u{10}x", true),
    ]) func areFoundWhereverTheChunksEnd(_ chunks: [String], _ passed: String, _ detached: Bool) {
        var keys = DetachKeys()
        var result: [UInt8] = []
        var found = false
        for chunk in chunks {
            var bytes = Array(chunk.utf8)
            found = keys.filter(&bytes) || found
            result += bytes
        }
        #expect(result == Array(passed.utf8))
        #expect(found == detached)
    }
}

@Suite struct ForegroundTests {
    @Test(
        arguments: [
            (SIGWINCH, true, true, .resize), (SIGWINCH, false, false, .resize), (SIGINT, false, false, .passOn),
            (SIGINT, true, true, .passOn), (SIGTERM, false, false, .passOn), (SIGTERM, true, false, .passOn),
            (SIGTERM, true, true, .leave), (SIGHUP, false, false, .passOn), (SIGHUP, true, false, .leave),
            (SIGHUP, true, true, .leave), (SIGTSTP, true, false, .passOn),
        ] as [(CInt, Bool, Bool, Foreground.SignalUse)])
    func aSignalIsForTheProcessUnlessItIsAboutTheTerminal(
        _ signal: CInt, _ terminal: Bool, _ passesKeysOn: Bool, _ use: Foreground.SignalUse
    ) {
        #expect(Foreground.use(of: signal, terminal: terminal, passesKeysOn: passesKeysOn) == use)
    }
}

@Suite struct EndMessageTests {
    @Test(arguments: [
        (false, 137, "", []), (true, 137, "", ["web was killed: it ran out of memory"]), (true, 0, "", []),
        (true, 137, "the machine ended", ["web was killed: the machine ended"]),
    ]) func anEndThatWasNotItsOwnIsTold(
        _ outOfMemory: Bool, _ status: UInt32, _ reason: String, _ messages: [String]
    ) {
        var end = WaitResponse()
        (end.outOfMemory, end.exitStatus, end.reason) = (outOfMemory, status, reason)
        #expect(Foreground.messages(end, "web") == messages)
    }
}

@Suite struct InspectTests {
    /// However it was spelled, it is shown by the name that docker has for it.
    @Test(arguments: [
        ("TERM", "SIGTERM"), ("SIGTERM", "SIGTERM"), ("sigterm", "SIGTERM"), ("15", "SIGTERM"), ("USR1", "SIGUSR1"),
        ("IOT", "SIGABRT"), ("RTMIN", "SIGRTMIN"), ("SIGRTMIN+3", "SIGRTMIN+3"), ("RTMAX-1", "SIGRTMIN+29"),
        ("64", "SIGRTMAX"), ("32", "32"),
    ]) func aStopSignalHasItsPrefixOnce(_ typed: String, _ shown: String) throws {
        #expect(Inspect.signalText(try SignalName.parse(typed)) == shown)
    }

    static func record(
        name: String = "web", image: String = "busybox", labels: [String: String] = [:]
    ) -> ContainerRecord {
        ContainerRecord(
            id: "0123456789abcdef", name: name, image: image, imageID: "sha256:11", imageManifest: "sha256:22",
            createdAt: 1, command: ["sh"], labels: labels, hostname: "web", user: "", terminal: false,
            interactive: false, removesItself: true, stopSignal: 15, writableBytes: 1,
            logFileBytes: 1, logFiles: 1)
    }

    private static func hostConfig(_ overrides: DefaultSpec.Overrides) throws -> JSONValue {
        var overrides = overrides
        overrides.arguments = ["sh"]
        let image = ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: []))
        return HostConfig.json(record(), try DefaultSpec(image: image, overrides: overrides).spec)
    }

    @Test func theLimitsAreShownAsDockerNamesThem() throws {
        var overrides = DefaultSpec.Overrides()
        (overrides.memoryBytes, overrides.nanoCPUs, overrides.processLimit) = (64 << 20, 1_500_000_000, 50)
        (overrides.addedCapabilities, overrides.droppedCapabilities) = (["sys_admin"], ["CAP_CHOWN"])
        overrides.tmpfs = [
            .init(destination: "/scratch", options: ["size=1m", "exec"]), .init(destination: "/dev/shm"),
        ]
        overrides.limits = [.init(name: "nofile", soft: 100, hard: 200), .init(name: "core", soft: 0, hard: -1)]
        for (source, options) in [("/srv", ["rbind", "ro"]), ("/etc", ["bind", "rw", "rslave"])] {
            var mount = RuntimeSpec.Mount(destination: "/in" + source)
            (mount.type, mount.source, mount.options) = ("bind", source, options)
            overrides.mounts.append(mount)
        }
        let shown = try Self.hostConfig(overrides).serialized
        #expect(
            shown == """
                {"AutoRemove":true,"ReadonlyRootfs":false,"Privileged":false,"Init":null,\
                "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"ContainerIDFile":"",\
                "LogConfig":{"Type":"json-file","Config":{}},"NetworkMode":"none","Memory":67108864,\
                "MemorySwap":67108864,"NanoCpus":1500000000,"CpusetCpus":"","PidsLimit":50,"OomScoreAdj":0,\
                "ShmSize":0,"CapAdd":["CAP_SYS_ADMIN"],"CapDrop":["CAP_CHOWN"],"GroupAdd":null,"Devices":[],\
                "Binds":["/srv:/in/srv:ro","/etc:/in/etc:rslave"],"Tmpfs":{"/scratch":"size=1m,exec","/dev/shm":""},\
                "Ulimits":[{"Name":"nofile","Hard":200,"Soft":100},{"Name":"core","Hard":-1,"Soft":0}]}
                """)
    }

    @Test func nothingIsInventedForAContainerWithoutLimits() throws {
        #expect(
            try Self.hostConfig(DefaultSpec.Overrides()).serialized == """
                {"AutoRemove":true,"ReadonlyRootfs":false,"Privileged":false,"Init":null,\
                "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"ContainerIDFile":"",\
                "LogConfig":{"Type":"json-file","Config":{}},"NetworkMode":"none","Memory":0,"MemorySwap":0,\
                "NanoCpus":0,"CpusetCpus":"","PidsLimit":null,"OomScoreAdj":0,"ShmSize":67108864,"CapAdd":null,\
                "CapDrop":null,"GroupAdd":null,"Devices":[],"Binds":null,"Tmpfs":{},"Ulimits":[]}
                """)
    }

    struct Filter: Sendable, CustomTestStringConvertible {
        var terms: [String], isAccepted: Bool
        var testDescription: String { terms.joined(separator: " ") }
    }

    @Test(arguments: [
        Filter(terms: [], isAccepted: true), Filter(terms: ["name=we"], isAccepted: true),
        Filter(terms: ["name=^/web$"], isAccepted: true), Filter(terms: ["name=^eb"], isAccepted: false),
        Filter(terms: ["name=/web"], isAccepted: true), Filter(terms: ["name=^/web"], isAccepted: true),
        Filter(terms: ["name=^web$"], isAccepted: true), Filter(terms: ["name=/eb"], isAccepted: false),
        Filter(terms: ["name=^/$"], isAccepted: false), Filter(terms: ["name=eb$"], isAccepted: true),
        Filter(terms: ["name=db", "name=web"], isAccepted: true),
        Filter(terms: ["id=0123"], isAccepted: true), Filter(terms: ["id=^123"], isAccepted: false),
        Filter(terms: ["status=exited"], isAccepted: true), Filter(terms: ["status=running"], isAccepted: false),
        Filter(terms: ["status=running", "status=exited"], isAccepted: true),
        Filter(terms: ["exited=3"], isAccepted: true), Filter(terms: ["exited=0"], isAccepted: false),
        Filter(terms: ["label=a"], isAccepted: true), Filter(terms: ["label=a=1"], isAccepted: true),
        Filter(terms: ["label=a=2"], isAccepted: false), Filter(terms: ["label=a", "label=c"], isAccepted: false),
        Filter(terms: ["ancestor=busybox:latest"], isAccepted: true),
        Filter(terms: ["ancestor=docker.io/library/busybox"], isAccepted: true),
        Filter(terms: ["ancestor=alpine"], isAccepted: false), Filter(terms: ["ancestor=renamed:1"], isAccepted: true),
        Filter(terms: ["ancestor=moved:1"], isAccepted: false),
        Filter(terms: ["name=web", "label=nothing"], isAccepted: false),
    ]) func aFilterMeansWhatDockersMeans(_ row: Filter) throws {
        var status = ContainerStatus(.exited)
        status.exitCode = 3
        var filter = PsFilter(try row.terms.map(PsFilter.Term.parse))
        filter.resolve(image: { ["renamed:1": "sha256:11", "moved:1": "sha256:33"][$0] }, pod: { _ in nil })
        #expect(filter.accepts(Self.record(labels: ["a": "1", "b": ""]), status) == row.isAccepted)
    }

    @Test(arguments: [
        ("web", "expected KEY=VALUE"), ("=web", "expected KEY=VALUE"), ("status=up", "unknown status \"up\""),
        ("exited=many", "invalid exit code"), ("exited=256", "invalid exit code"), ("nmae=x", "did you mean name?"),
        ("volume=x", "filter \"volume\" is not supported yet"), ("name=w.*b", "pattern \"w.*b\" is not supported yet"),
    ]) func aFilterThatMeansNothingIsToldSo(_ text: String, _ message: String) throws {
        let error = #expect(throws: ValueError.self) { _ = try PsFilter.Term.parse(text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }
}

@Suite struct CheckTests {
    @Test(arguments: [
        ("QEMU emulator version 7.2.13 (Debian 1:7.2+dfsg-7)\nCopyright", "7.2.13"),
        ("QEMU emulator version 9.0.0\n", "9.0.0"), ("", nil), ("qemu-img version 7.2.13", nil),
        ("QEMU emulator version ", nil), ("QEMU emulator version x", nil),
    ]) func theVersionOfQEMUIsFound(_ output: String, _ version: String?) {
        #expect(Check.qemuVersion(Array(output.utf8)) == version)
    }

    @Test func whyThereIsNoVersionIsTold() {
        func verdict(_ output: String, _ error: String, _ exit: ProcessExit) -> String {
            let said = Check.FirstWords(output: Array(output.utf8), error: Array(error.utf8), exit: exit)
            return "\(Check.qemu("/q", said: said))"
        }
        let version = "QEMU emulator version 9.0.0\n"
        #expect(verdict(version, "a warning\n", .exited(code: 0)).contains("/q, version 9.0.0"))
        #expect(
            verdict("", "lib\u{1B}x.so: not found\nmore\n", .exited(code: 127)).contains("127: lib?x.so: not found)"))
        #expect(verdict(version, "", .exited(code: 1)).contains("does not say a version of QEMU"))
        #expect(verdict(version, "", .signaled(9)).contains("does not say a version of QEMU"))
    }
}

@Suite struct TextTests {
    @Test(
        arguments: [
            (-5, "Less than a second"), (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"),
            (60, "About a minute"), (150, "2 minutes"), (3599, "59 minutes"), (3600, "About an hour"),
            (7200, "2 hours"),
            (172_800, "2 days"), (1_209_600, "2 weeks"), (5_184_000, "2 months"), (63_072_000, "2 years"),
        ] as [(Int64, String)]) func durationsAreDockers(_ seconds: Int64, _ text: String)
    {
        #expect(Elapsed.text(seconds * 1_000_000_000) == text)
    }

    @Test func aPausedContainerIsUpAndPaused() {
        var status = ContainerStatus(.running)
        status.startedAt = 1
        #expect(Ps.statusText(status, now: 5_000_000_001) == "Up 5 seconds")
        #expect(status.stateText == "running")
        status.paused = true
        #expect(Ps.statusText(status, now: 5_000_000_001) == "Up 5 seconds (Paused)")
        #expect(status.stateText == "paused")
    }

    @Test func aCommandIsQuotedAsDockerDoes() {
        #expect(Ps.commandText(["sh", "-c", #"echo "a\b""#], whole: true) == #""sh -c echo \"a\\b\"""#)
        #expect(Ps.commandText(["sleep", "infinity", "and", "a", "day"], whole: false) == #""sleep infinity and …""#)
    }

    @Test func aTableIsAlignedAndObeysNobody() {
        var table = TextTable(["A", "LONGER"])
        table.add(["wide cell", "x"])
        table.add(["\u{1B}[2J", "é"])
        #expect(table.text == "A           LONGER\nwide cell   x\n?[2J        é\n")
    }

    @Test func aVariableWithoutAValueIsPassedOnOrRemoved() throws {
        let settings = [KeyValue(key: "A", value: "1"), KeyValue(key: "NO_SUCH_VARIABLE_HERE", value: nil)]
        #expect(RunOptions.environment(settings) == ["A=1", "NO_SUCH_VARIABLE_HERE"])
    }
}
