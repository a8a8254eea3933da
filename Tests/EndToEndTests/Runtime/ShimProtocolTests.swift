import ContainerdAPI
import EventLoop
import Linux
import OCI
import PodDirectory
import Protobuf
import Support
import TTRPC
import TaskAPI
import Testing

/// What is asked of a shim that `ctr` and CRI do not ask, or not in every order.
@Suite struct ShimProtocolTests {
    init() { BackgroundLoop.start() }

    private static let sandbox = ["io.kubernetes.cri.container-type": "sandbox"]
    private static func member(_ pod: String) -> [String: String] {
        ["io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": pod]
    }

    @EventLoop @Test func aCreatedContainerTakesWhatARunningOneDoes() async throws {
        try await BareShim.with { shim in
            let bundle = try shim.runtime.bundle("a", "echo main; sleep 1000")
            let output = shim.runtime.bulkhead.root + "/output"
            try await shim.start("a", bundle)
            let pid = try await shim.create("a", bundle, stdout: "file://" + output)
            try await shim.exec("a", "e", "echo exec; exit 7", stdout: "file://" + output)
            #expect(try await shim.start("a", process: "e") == pid)
            #expect(try await shim.wait("a", process: "e") == 7)
            #expect(try Files.readText(output) == "exec\n")
            // As containerd's own shim has it.
            var resize = ResizePtyRequest()
            (resize.id, resize.width, resize.height) = ("a", 80, 24)
            #expect(try await shim.code(TaskService.Method.resizePty, resize) == .ok)
            try await shim.start("a")
            try await shim.runtime.bulkhead.wait(for: "output") { try Files.readText(output) == "exec\nmain\n" }
            let pids = try await shim.call(
                TaskService.Method.pids, TaskContainerRequest(id: "a"), returning: PidsResponse.self)
            #expect(pids.processes.map(\.pid) == [pid])
            try await shim.remove("a")
            try await shim.waitFor(event: "delete")
            #expect(
                shim.events == [
                    "create", "exec-added", "exec-started", "exit e 7", "start", "exit a 137", "delete",
                ])
            try await shim.shutDown()
        }
    }

    /// As containerd has it when it has lost its connection, and the pod goes on.
    @EventLoop @Test func aMemberIsDeletedByItself() async throws {
        try await BareShim.with { shim in
            let first = try shim.runtime.bundle("p", "sleep 1000") { $0.annotations = Self.sandbox }
            let hook = shim.runtime.bulkhead.root + "/hook", ran = shim.runtime.bulkhead.root + "/ran"
            // It takes longer than whoever has called for it waits.
            try Files.write(Array("#!/bin/sh\nsleep 4\necho ran >>\(ran)\n".utf8), to: hook, mode: 0o755)
            let second = try shim.runtime.bundle("m", "sleep 1000") {
                $0.annotations = Self.member("p")
                $0.hooks = .init()
                $0.hooks?.poststop = [RuntimeSpec.Hook(path: hook)]
            }
            try await shim.start("p", first)
            _ = try await shim.create("p", first)
            try await shim.start("p")
            for count in 1...2 {
                try await shim.start("m", second)
                _ = try await shim.create("m", second)
                try await shim.start("m")
                try await shim.delete("m", second).expectSuccess()
                #expect(
                    try await shim.code(TaskService.Method.state, TaskProcessRequest(id: "m")) == .notFound)
                #expect(!Files.exists(second + "/bulkhead.json"))
                let all = String(repeating: "ran\n", count: count)
                try await shim.runtime.bulkhead.wait(for: "the hook") { (try? Files.readText(ran)) == all }
            }
            try await shim.remove("p")
            // Nobody asks it to, as containerd with bootstrap version 3.
            try await shim.waitForEnd()
            try await shim.runtime.expectNothingLeft()
            #expect(try Files.readText(ran) == "ran\nran\n")
        }
    }

    @EventLoop @Test func memoryThatRunsOutIsToldWhenItDoes() async throws {
        try await BareShim.with { shim in
            let script = "head -c 80000000 /dev/zero | tail -c 80000000 >/dev/null; sleep 1000"
            let bundle = try shim.runtime.bundle("a", script) {
                $0.linux?.resources = .init()
                $0.linux?.resources?.memory = .init()
                $0.linux?.resources?.memory?.limit = 32 << 20
            }
            try await shim.start("a", bundle)
            _ = try await shim.create("a", bundle)
            try await shim.start("a")
            try await shim.waitFor(event: "oom a")
            let state = try await shim.call(
                TaskService.Method.state, TaskProcessRequest(id: "a"), returning: StateResponse.self)
            #expect(state.status == .running)
            try await shim.remove("a")
            try await shim.waitFor(event: "delete")
            #expect(shim.events == ["create", "start", "oom a", "exit a 137", "delete"])
            try await shim.shutDown()
        }
    }

    /// When memory runs out on the host, its kernel chooses the machine as it would choose the containers.
    @EventLoop @Test func theMachineHasItsContainersRank() async throws {
        try await BareShim.with { shim in
            let first = try shim.runtime.bundle("p", "sleep 1000") {
                $0.annotations = Self.sandbox
                $0.process?.oomScoreAdj = 7
            }
            let second = try shim.runtime.bundle("m", "sleep 1000") {
                $0.annotations = Self.member("p")
                $0.process?.oomScoreAdj = 321
            }
            try await shim.start("p", first)
            _ = try await shim.create("p", first)
            try await shim.start("p")
            let state = shim.runtime.bulkhead.state
            let pod = try #require(Files.names(in: PodDirectory.Kind.pod.directory(state)).first)
            let machine = try #require(PodDirectory.machine(PodDirectory.Paths(state: state, id: pod)))
            func rank() throws -> String { try Files.readText("/proc/\(machine)/oom_score_adj") }
            #expect(try rank() == "7\n")
            try await shim.start("m", second)
            _ = try await shim.create("m", second)
            #expect(try rank() == "321\n")
            try await shim.start("m")
            try await shim.remove("m")
            #expect(try rank() == "7\n")
            try await shim.remove("p")
            try await shim.shutDown()
        }
    }

    @EventLoop @Test func eventsWaitForWhoeverTakesThem() async throws {
        try await BareShim.with { shim in
            let bundle = try shim.runtime.bundle("a", "sleep 1000")
            try await shim.start("a", bundle)
            shim.deafen()
            _ = try await shim.create("a", bundle)
            try await shim.start("a")
            #expect(shim.events == [])
            try shim.listen()
            try await shim.waitFor(event: "start")
            try await shim.remove("a")
            try await shim.waitFor(event: "delete")
            #expect(shim.events == ["create", "start", "exit a 137", "delete"])
            try await shim.shutDown()
        }
    }

    /// Where nobody takes events, the program is called that containerd names.
    @EventLoop @Test func eventsAreToldByTheProgramOtherwise() async throws {
        try await BareShim.with { shim in
            let told = shim.runtime.bulkhead.root + "/told"
            shim.publisher = shim.runtime.bulkhead.root + "/publish"
            let program = "#!/bin/sh\n[ -s /dev/stdin ] || cat >/dev/null\necho \"$3 $5 $7\" >>\(told)\n"
            try Files.write(Array(program.utf8), to: shim.publisher, mode: 0o755)
            let bundle = try shim.runtime.bundle("a", "sleep 1000")
            try await shim.start("a", bundle)
            shim.deafen()
            _ = try await shim.create("a", bundle)
            try await shim.start("a")
            try await shim.runtime.bulkhead.wait(for: "events") {
                ((try? Files.readText(told)) ?? "")
                    == "publish /tasks/create test\npublish /tasks/start test\n"
            }
            try await shim.remove("a")
            try await shim.shutDown()
        }
    }

    /// A logger that does not end, and a hook's child, are in nobody's way.
    @EventLoop @Test func helpersOfAnEngineAreLeftNowhere() async throws {
        try await BareShim.with { shim in
            let root = shim.runtime.bulkhead.root
            let logger = root + "/logger", hook = root + "/hook"
            let script = """
                #!/bin/sh
                trap '' TERM
                echo $$ >\(root)/logger.pid
                exec 5>&-
                while :; do sleep 0.1; done

                """
            try Files.write(Array(script.utf8), to: logger, mode: 0o755)
            let hooked = "#!/bin/sh\nsetsid sleep 60 </dev/null >/dev/null 2>&1 &\necho $! >\(root)/hook.pid\n"
            try Files.write(Array(hooked.utf8), to: hook, mode: 0o755)
            let bundle = try shim.runtime.bundle("a", "sleep 1000") {
                $0.hooks = .init()
                $0.hooks?.prestart = [RuntimeSpec.Hook(path: hook)]
            }
            try await shim.start("a", bundle)
            _ = try await shim.create("a", bundle, stdout: "binary://" + logger)
            try await shim.start("a")
            let pids = try ["logger.pid", "hook.pid"].map { name in
                try #require(Int32(Files.readText(root + "/" + name).filter { $0 != "\n" }))
            }
            try await shim.remove("a")
            try await shim.shutDown()
            #expect(!Files.exists("/proc/\(pids[0])"))
            // It is its engine's.
            #expect(Files.exists("/proc/\(pids[1])"))
            try? PidFD(pids[1]).signal(9)
        }
    }

    @EventLoop @Test func annotationsOfPodsCountWhereTheyMay() async throws {
        let configuration = "container:\n  annotations: [bulkhead.memory]\ncompat: openeuler\n"
        try await BareShim.with(configuration: configuration) { shim in
            let refused = try shim.runtime.bundle("r", "true") {
                $0.annotations = Self.sandbox.merging(["bulkhead.writable": "true"]) { $1 }
            }
            let result = try await shim.run("start", "r", refused)
            #expect(result.code == 1 && result.error.contains("container.annotations"), "\(result)")
            #expect(!((try? Files.names(in: ShimAddress.directory)) ?? []).contains { $0.hasPrefix("r-") })
            try await shim.runtime.expectNothingLeft()
            try await Self.expectMachine(
                shim,
                of: ["bulkhead.memory": "768m", "com.github.containers.virtcontainers.sandbox_cpu": "1.5"],
                kilobytes: 600 << 10)
        }
    }

    /// Runs a sandbox with these annotations, whose machine is to have two processors and more memory than that.
    @EventLoop private static func expectMachine(
        _ shim: BareShim, of annotations: [String: String], kilobytes: Int
    ) async throws {
        let output = shim.runtime.bulkhead.root + "/output"
        let bundle = try shim.runtime.bundle("p", "grep MemTotal /proc/meminfo; nproc") {
            $0.annotations = Self.sandbox.merging(annotations) { $1 }
        }
        try await shim.start("p", bundle)
        _ = try await shim.create("p", bundle, stdout: "file://" + output)
        try await shim.start("p")
        #expect(try await shim.wait("p") == 0)
        let words = try Files.readText(output).split(whereSeparator: \.isWhitespace)
        let total = try #require(words.count == 4 ? Int(words[1]) : nil)
        #expect(total > kilobytes && words[3] == "2", "\(words)")
        try await shim.remove("p")
        try await shim.shutDown()
    }

    /// CRI says on the sandbox what the containers will ask for together.
    @EventLoop @Test func aPodsMachineHasWhatItsContainersWillAskFor() async throws {
        try await BareShim.with { shim in
            try await Self.expectMachine(
                shim,
                of: [
                    "io.kubernetes.cri.sandbox-memory": "\(512 << 20)", "io.kubernetes.cri.sandbox-cpu-quota": "150000",
                    "io.kubernetes.cri.sandbox-cpu-period": "100000",
                ], kilobytes: 512 << 10)
        }
    }

    /// A cgroup that was there before is not only the pod's.
    @EventLoop @Test func othersStayInACgroupThatTheyHave() async throws {
        try await BareShim.with { shim in
            let bundles = try ["a", "b"].map { name in
                try shim.runtime.bundle(name, "sleep 1000") {
                    let path = $0.linux?.cgroupsPath ?? ""
                    $0.linux?.cgroupsPath = path.dropLast() + "shared"
                }
            }
            let directory = try #require(try Self.cgroup(bundles[0]))
            try await shim.start("a", bundles[0])
            let first = try await shim.create("a", bundles[0])
            try await shim.start("a")
            let client = shim.client
            try await shim.start("b", bundles[1])
            _ = try await shim.create("b", bundles[1])
            try await shim.start("b")
            try await shim.remove("b")
            _ = try await shim.call(TaskService.Method.shutdown, ShutdownRequest())
            try await shim.waitForEnd()
            let processes = try Files.readText(directory + "/cgroup.procs").split(separator: "\n").map(String.init)
            #expect(processes.contains("\(first)"), "\(processes)")
            shim.client = client
            try await shim.remove("a")
            try await shim.shutDown()
        }
    }

    /// Where the container's cgroup is, in the hierarchy of processes' numbers or the only one.
    private static func cgroup(_ bundle: String) throws -> String? {
        let spec = try RuntimeSpec.decode(json: Files.read(bundle + "/config.json", limit: RuntimeSpec.maximumBytes))
        let path = spec.linux?.cgroupsPath ?? ""
        return Files.exists("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" + path : "/sys/fs/cgroup" + path
    }

    /// As a kubelet has it: the pod's cgroup has as much as its containers' together, and with version 1 none of them may
    /// have more.
    @EventLoop @Test(.enabled(if: Files.exists("/sys/fs/cgroup/cpu"), "needs cgroups of version 1"))
    func aQuotaFitsIntoThatOfThePod() async throws {
        try await BareShim.with { shim in
            let name = "/bulkhead-test-\(shim.runtime.bulkhead.root.split(separator: "-").last ?? "")-pod"
            let directory = "/sys/fs/cgroup/cpu" + name
            try Files.makeDirectories(directory)
            defer {
                for hierarchy in (try? Files.names(in: "/sys/fs/cgroup")) ?? [] {
                    try? Files.removeDirectory("/sys/fs/cgroup/" + hierarchy + name)
                }
            }
            try Files.control(directory + "/cpu.cfs_quota_us", "40000")
            func bundle(_ id: String, _ annotations: [String: String], quota: Int64?) throws -> String {
                try shim.runtime.bundle(id, "sleep 1000") {
                    $0.annotations = annotations
                    $0.linux?.cgroupsPath = name + "/" + id
                    $0.linux?.resources = .init()
                    $0.linux?.resources?.cpu = .init()
                    $0.linux?.resources?.cpu?.quota = quota
                    $0.linux?.resources?.cpu?.period = 100_000
                }
            }
            func quota(_ id: String) throws -> String {
                try Files.readText(directory + "/\(id)/cpu.cfs_quota_us").filter { $0 != "\n" }
            }
            let pod = try bundle("p", Self.sandbox, quota: nil),
                member = try bundle("m", Self.member("p"), quota: 40_000)
            try await shim.start("p", pod)
            _ = try await shim.create("p", pod)
            try await shim.start("p")
            try await shim.start("m", member)
            _ = try await shim.create("m", member)
            try await shim.start("m")
            #expect(try quota("m") == "40000")
            var update = UpdateTaskRequest()
            update.id = "m"
            update.resources = ProtobufAny(
                typeURL: UpdateTaskRequest.resourcesTypeURL,
                value: Array(#"{"cpu":{"quota":20000,"period":100000}}"#.utf8))
            _ = try await shim.call(TaskService.Method.update, update)
            #expect(try quota("m") == "20000")
            try await shim.remove("m")
            try await shim.remove("p")
            try await shim.shutDown()
            // Of one that is alone, whose machine would have room.
            let alone = try bundle("a", [:], quota: 40_000)
            try await shim.start("a", alone)
            _ = try await shim.create("a", alone)
            #expect(try quota("a") == "40000")
            try Files.control(directory + "/cpu.cfs_quota_us", "-1")
            try await shim.start("a")
            try await shim.remove("a")
            try await shim.shutDown()
        }
    }

    /// containerd's clients close their pipe when they hear of the end, with whatever they have not read.
    @EventLoop @Test func anEndIsToldWhenTheOutputHasBeenRead() async throws {
        try await BareShim.with { shim in
            let bundle = try shim.runtime.bundle("a", "head -c 50000 /dev/zero; exit 3")
            let path = shim.runtime.bulkhead.root + "/pipe"
            try await EngineRoom.program("/usr/bin/mkfifo", [path]).expectSuccess()
            let pipe = try Files.open(path, [.readOnly, .nonBlocking])
            // Until the shim has opened it, nobody else writes.
            let writer = try Files.open(path, [.writeOnly, .nonBlocking])
            let reader = try AsyncFD(pipe.duplicate())
            var count = 0
            let reading = Task { @EventLoop in
                while case let bytes = try await reader.read(upTo: 5000), !bytes.isEmpty {
                    count += bytes.count
                    try await EventLoop.sleep(for: .milliseconds(50))
                }
            }
            try await shim.start("a", bundle)
            _ = try await shim.create("a", bundle, stdout: path)
            _ = consume writer
            try await shim.start("a")
            #expect(try await shim.wait("a") == 3)
            #expect(try count == 50000 && pipe.unreadBytes() == 0, "\(count)")
            try await reading.value
            try await shim.remove("a")
            try await shim.shutDown()
        }
    }

    /// Whoever is to be killed ends, also in a machine that hangs; so does one whose machine is just ending.
    @EventLoop @Test func aMachineThatHangsIsEndedByAKill() async throws {
        try await BareShim.with { shim in
            let bundle = try shim.runtime.bundle("a", "sleep 1000")
            try await shim.start("a", bundle)
            _ = try await shim.create("a", bundle)
            try await shim.start("a")
            let hanging = try Self.machine(shim)
            try PidFD(try #require(hanging)).signal(19)
            try await shim.remove("a")
            #expect(shim.events.contains("exit a 137"), "\(shim.events)")
            try await shim.shutDown()

            let second = try shim.runtime.bundle("b", "sleep 1000")
            try await shim.start("b", second)
            _ = try await shim.create("b", second)
            try await shim.start("b")
            async let killed = shim.code(TaskService.Method.kill, KillRequest(id: "b", signal: 9))
            let ending = try Self.machine(shim)
            try PidFD(try #require(ending)).signal(9)
            #expect([.ok, .notFound].contains(try await killed))
            try await shim.remove("b")
            try await shim.shutDown()
        }
    }

    /// One that has no container yet makes room for another of its name.
    @EventLoop @Test func aShimThatNobodyHasUsedIsNoObstacle() async throws {
        try await BareShim.with { shim in
            let bundle = try shim.runtime.bundle("a", "true")
            try await shim.start("a", bundle)
            try await shim.start("a", bundle)
            _ = try await shim.create("a", bundle)
            try await shim.start("a")
            #expect(try await shim.wait("a") == 0)
            try await shim.remove("a")
            try await shim.shutDown()
        }
    }

    /// The only pod's.
    @EventLoop private static func machine(_ shim: BareShim) throws -> Int32? {
        let state = shim.runtime.bulkhead.state
        let pods = try Files.names(in: PodDirectory.Kind.pod.directory(state))
        return pods.compactMap { PodDirectory.machine(PodDirectory.Paths(state: state, id: $0)) }.first
    }
}
