import EventLoop
import JSON
import Linux
import Support
import Testing

/// Pods, as a kubelet has them made.
@Suite(.enabled(if: Containerd.missing == nil, "\(Containerd.missing ?? "")"), .serialized) struct CRITests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func aPodIsOneMachine() async throws {
        try await Containerd.with { containerd in
            let both = ["one", "two"].map { name in
                Task { @EventLoop in
                    let pod = try await containerd.runPod(name)
                    var ids: [String] = []
                    for number in 1...3 {
                        ids.append(
                            try await containerd.runContainer(
                                "c\(number)", in: pod, "sh", "-c",
                                "echo out of c\(number); echo err >&2; exec sleep 1000"))
                    }
                    return (pod, ids)
                }
            }
            var boots: [Set<String>] = []
            var pods: [Containerd.Pod] = []
            for task in both {
                let (pod, ids) = try await task.value
                pods.append(pod)
                var kernels: Set<String> = [], names: Set<String> = [], networks: Set<String> = []
                for id in ids {
                    kernels.insert(try await containerd.execSync(id, "cat", "/proc/sys/kernel/random/boot_id").output)
                    names.insert(try await containerd.execSync(id, "hostname").output)
                    networks.insert(
                        try await containerd.execSync(id, "readlink", "/proc/self/ns/net", "/proc/self/ns/ipc").output)
                }
                #expect(kernels.count == 1 && networks.count == 1 && names == [pod.name + "\n"])
                boots.append(kernels)
                #expect(try await containerd.execSync(ids[0], "sh", "-c", "exit 3").code == 3)
                try await containerd.room.bulkhead.wait(for: "the log") {
                    try containerd.log("c2", of: pod).sorted() == ["stderr F err", "stdout F out of c2"]
                }
            }
            #expect(boots[0] != boots[1])
            // The kubelet moves a log away, and the next line is in another file.
            let log = containerd.logs("one") + "/c1.log"
            let first = try #require(try await containerd.container("c1", of: pods[0]))
            try Files.rename(log, to: log + ".1")
            _ = try await containerd.cri("ReopenContainerLog", .members(["container_id": .string(first)]))
            _ = try await containerd.execSync(first, "sh", "-c", "echo again >/proc/1/fd/1")
            try await containerd.room.bulkhead.wait(for: "the new log") {
                try containerd.log("c1", of: pods[0]) == ["stdout F again"]
            }
            for pod in pods { try await containerd.removePod(pod) }
            try await containerd.expectNoPodLeft()
        }
    }

    @EventLoop @Test func containersEndAsTheyAreTold() async throws {
        try await Containerd.with { containerd in
            let pod = try await containerd.runPod("ends")
            let code = try await containerd.runContainer("code", in: pod, "sh", "-c", "exit 7")
            let ended = try await containerd.waitUntilExited(code)
            #expect(ended["exit_code"] == .number("7") && ended["reason"]?.text == "Error", "\(ended)")
            let stopped = try await containerd.runContainer(
                "stopped", in: pod, "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done")
            try await containerd.room.bulkhead.wait(for: "it to be ready") {
                try containerd.log("stopped", of: pod) == ["stdout F ready"]
            }
            _ = try await containerd.cri(
                "StopContainer", .members(["container_id": .string(stopped), "timeout": .number("20")]))
            #expect(try await containerd.status(stopped)["exit_code"] == .number("5"))
            let killed = try await containerd.runContainer("killed", in: pod, "sleep", "1000")
            _ = try await containerd.cri(
                "StopContainer", .members(["container_id": .string(killed), "timeout": .number("1")]))
            #expect(try await containerd.status(killed)["exit_code"] == .number("137"))
            let limit = JSONValue.members(["memory_limit_in_bytes": .string("33554432")])
            let oom = try await containerd.runContainer(
                "oom", in: pod, "sh", "-c", "x=a; while :; do x=$x$x; done", resources: limit)
            let outOfMemory = try await containerd.waitUntilExited(oom)
            #expect(outOfMemory["reason"]?.text == "OOMKilled", "\(outOfMemory)")
            for id in [code, stopped, killed, oom] {
                _ = try await containerd.cri("RemoveContainer", .members(["container_id": .string(id)]))
            }
            // The program that is not there.
            let absent = try await containerd.createContainer("absent", in: pod, ["/no/such"])
            await #expect {
                _ = try await containerd.cri("StartContainer", .members(["container_id": .string(absent)]))
            } throws: {
                "\($0)".contains("/no/such")
            }
            // A machine that dies takes its pod with it, and the kubelet is told.
            let last = try await containerd.runContainer("last", in: pod, "sleep", "1000")
            let tasks = try await containerd("--namespace", "k8s.io", "tasks", "ls").output
            let line = try #require(tasks.split(separator: "\n").first { $0.hasPrefix(pod.id) })
            let proxy = try #require(Int32(line.split(separator: " ")[1]))
            try PidFD(try containerd.machine(ofProxy: proxy)).signal(9)
            #expect(try await containerd.waitUntilExited(last)["exit_code"] == .number("137"))
            try await containerd.removePod(pod)
            try await containerd.expectNoPodLeft()
        }
    }

    @EventLoop @Test func aPodsContainersAreSetUpAsAsked() async throws {
        try await Containerd.with { containerd in
            let sysctls = member("sysctls", .members(["net.ipv4.ip_unprivileged_port_start": .string("80")]))
            let pod = try await containerd.runPod("setup", linux: [sysctls])
            let directory = containerd.room.directory + "/volumes/kubernetes.io~configmap/config"
            let configMap = try AtomicDirectory(at: directory)
            try configMap.write(["key": "old\n", "other": "sub\n"], stamp: "1")
            let message = containerd.room.directory + "/message"
            try Files.write([], to: message)
            let shared = containerd.room.directory + "/shared"
            try Files.makeDirectories(shared)
            func mount(_ host: String, _ place: String, readOnly: Bool) -> JSONValue {
                .members(["host_path": .string(host), "container_path": .string(place), "readonly": .bool(readOnly)])
            }
            let mounts = member(
                "mounts",
                .array([
                    mount(directory, "/etc/config", readOnly: true),
                    mount(message, "/dev/termination-log", readOnly: false),
                    mount(directory + "/other", "/etc/single", readOnly: true),
                    mount(shared, "/shared", readOnly: false),
                ]))
            let security = [
                Containerd.namespaces, member("run_as_user", .members(["value": .string("1000")])),
                member("run_as_group", .members(["value": .string("2000")])),
                member("supplemental_groups", .array([.string("3000")])), member("readonly_rootfs", .bool(true)),
                member("no_new_privs", .bool(true)),
                member("capabilities", .members(["drop_capabilities": .array([.string("ALL")])])),
                member("masked_paths", .array([.string("/proc/kcore")])),
                member("readonly_paths", .array([.string("/proc/sys")])),
                member("seccomp", .members(["profile_type": .string("RuntimeDefault")])),
            ]
            let id = try await containerd.runContainer(
                "c", in: pod, "sleep", "1000", security: security,
                more: [
                    mounts,
                    member("envs", .array([.members(["key": .string("A"), "value": .string("b")])])),
                    member("working_dir", .string("/tmp")),
                ])
            #expect(try await containerd.execSync(id, "id").output == "uid=1000 gid=2000 groups=2000,3000\n")
            #expect(try await containerd.execSync(id, "sh", "-c", "pwd; echo $A").output == "/tmp\nb\n")
            #expect(try await containerd.execSync(id, "sh", "-c", "echo x >/tmp/x").code == 1)
            #expect(
                try await containerd.execSync(id, "grep", " /dev/shm ", "/proc/mounts").output.contains(
                    "tmpfs rw,nosuid,nodev,noexec"))
            let status = try await containerd.execSync(id, "cat", "/proc/1/status").output
            #expect(status.contains("CapBnd:\t0000000000000000\n") && status.contains("NoNewPrivs:\t1\n"), "\(status)")
            #expect(status.contains("Seccomp:\t2\n"), "\(status)")
            #expect(
                try await containerd.execSync(id, "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start").output
                    == "80\n")
            #expect(try await containerd.execSync(id, "cat", "/etc/config/key", "/etc/single").output == "old\nsub\n")
            try configMap.write(["key": "new\n", "other": "sub\n"], stamp: "2")
            try await containerd.room.bulkhead.wait(for: "the update") {
                try await containerd.execSync(id, "cat", "/etc/config/key").output == "new\n"
            }
            // The sandbox has not been made for it, and containerd says so.
            await #expect(throws: CRIError.self) {
                _ = try await containerd.runContainer(
                    "p", in: pod, "true", security: [member("privileged", .bool(true))])
            }
            let other = try await containerd.runContainer(
                "o", in: pod, "sh", "-c", "echo shared >/shared/file; echo said >/dev/termination-log; exec sleep 1000",
                more: [mounts])
            try await containerd.room.bulkhead.wait(for: "the message") { try Files.readText(message) == "said\n" }
            #expect(try Files.readText(shared + "/file") == "shared\n")
            let resources = JSONValue.members([
                "cpu_quota": .string("50000"), "cpu_period": .string("100000"),
                "memory_limit_in_bytes": .string("67108864"),
            ])
            _ = try await containerd.cri(
                "UpdateContainerResources", .members(["container_id": .string(other), "linux": resources]))
            #expect(
                try await containerd.execSync(other, "sh", "-c", "cd /sys/fs/cgroup; cat memory.max cpu.max").output
                    == "67108864\n50000 100000\n")
            let stats = try await containerd.cri("ContainerStats", .members(["container_id": .string(other)]))
            let used = stats["stats"]?["memory"]?["working_set_bytes"]?["value"]?.text.flatMap { Int($0) } ?? 0
            #expect(used > 0, "\(stats)")
            try await containerd.removePod(pod)
            try await containerd.expectNoPodLeft()
        }
    }

    @EventLoop @Test func privilegedAndSharedProcesses() async throws {
        try await Containerd.with { containerd in
            let context = [
                member("privileged", .bool(true)),
                member("namespace_options", .members(["pid": .string("POD")])),
            ]
            let pod = try await containerd.runPod("open", security: context)
            let first = try await containerd.runContainer("first", in: pod, "sleep", "1234", security: context)
            let second = try await containerd.runContainer("second", in: pod, "sleep", "1000", security: context)
            #expect(try await containerd.execSync(second, "ps").output.contains("sleep 1234"))
            #expect(
                try await containerd.execSync(first, "sh", "-c", "mkdir /m && mount -t tmpfs m /m && ls /dev/fuse")
                    .output
                    == "/dev/fuse\n")
            let node = member("namespace_options", .members(["network": .string("NODE")]))
            await #expect {
                _ = try await containerd.runPod("host", security: [node])
            } throws: {
                "\($0)".contains("host namespaces are not shared with a VM")
            }
            try await containerd.removePod(pod)
            try await containerd.expectNoPodLeft()
        }
    }

    @EventLoop @Test func aPodCanGoWhileItBegins() async throws {
        try await Containerd.with { containerd in
            for pause in [0, 100, 300, 800] {
                let starting = Task { @EventLoop in try await containerd.runPod("brief\(pause)") }
                try await EventLoop.sleep(for: .milliseconds(pause))
                let items = try await containerd.cri("ListPodSandbox", .object([]))["items"]
                if case .array(let pods) = items {
                    for pod in pods {
                        guard let id = pod["id"]?.text else { continue }
                        _ = try? await containerd.cri("StopPodSandbox", .members(["pod_sandbox_id": .string(id)]))
                        _ = try? await containerd.cri("RemovePodSandbox", .members(["pod_sandbox_id": .string(id)]))
                    }
                }
                // It may not have been there when it was looked for.
                if let pod = try? await starting.value { try? await containerd.removePod(pod) }
                try await containerd.removeCgroup(of: "brief\(pause)")
            }
            try await containerd.expectNoPodLeft()
        }
    }

    @EventLoop @Test func streamsAreStreams() async throws {
        try await Containerd.with { containerd in
            let pod = try await containerd.runPod("streams")
            let cat = try await containerd.runContainer(
                "cat", in: pod, "sh", "-c", "cat; echo the end",
                more: [
                    member("stdin", .bool(true)), member("stdin_once", .bool(true)),
                ])
            let attached = try await containerd.stream("attach", "--stdin", cat, input: "typed\n")
            #expect(attached.code == 0 && attached.output == "typed\nthe end\n", "\(attached)")
            #expect(try await containerd.waitUntilExited(cat)["exit_code"] == .number("0"))
            let id = try await containerd.runContainer(
                "server", in: pod, "sh", "-c", "while :; do echo served | nc -l -p 8080; done")
            let piped = try await containerd.stream(
                "exec", "--stdin", id, "--", "sh", "-c", "cat; exit 9", input: "in\n")
            #expect(piped.code == 9 && piped.output == "in\n", "\(piped)")
            let terminal = try await containerd.stream("exec", "--tty", id, "--", "sh", "-c", "tty; exit 4")
            #expect(terminal.code == 4 && terminal.output == "/dev/pts/0\r\n", "\(terminal)")
            let twenty = (0..<20).map { number in
                Task { @EventLoop in try await containerd.stream("exec", id, "--", "echo", "\(number)") }
            }
            for (number, task) in twenty.enumerated() { #expect(try await task.value.output == "\(number)\n") }
            // What takes too long is ended, and so is all that it has started.
            await #expect {
                _ = try await containerd.cri(
                    "ExecSync",
                    .members([
                        "container_id": .string(id), "timeout": .number("1"),
                        "cmd": .array(["sh", "-c", "sleep 777"].map { .string($0) }),
                    ]))
            } throws: {
                "\($0)".contains("DEADLINE_EXCEEDED")
            }
            try await containerd.room.bulkhead.wait(for: "its end") {
                try await !containerd.execSync(id, "ps").output.contains("sleep 777")
            }
            // Of a program that is not there nobody waits for an end.
            let begin = MonotonicTime.now
            let missing = try? await containerd.execSync(id, "nosuch")
            #expect(missing == nil && MonotonicTime.now - begin < 30_000_000_000)
            let forwarded = try await containerd.stream("forward", pod.id, "8080")
            #expect(forwarded.code == 0 && forwarded.output == "served\n", "\(forwarded)")
            let refused = try await containerd.stream("forward", pod.id, "9")
            #expect(
                refused.code == 3 && refused.error.contains("refused") || refused.error.contains("reset"), "\(refused)")
            try await containerd.removePod(pod)
            try await containerd.expectNoPodLeft()
        }
    }
}

extension Containerd {
    /// The id of a pod's container of that name.
    func container(_ name: String, of pod: Pod) async throws -> String? {
        let filter = JSONValue.members(["pod_sandbox_id": .string(pod.id)])
        guard case .array(let all) = try await cri("ListContainers", .members(["filter": filter]))["containers"] else {
            return nil
        }
        return all.first { $0["metadata"]?["name"]?.text == name }?["id"]?.text
    }

    /// No pod, container, bundle, mount, cgroup or socket is left.
    func expectNoPodLeft() async throws {
        #expect(try await cri("ListPodSandbox", .object([]))["items"] == .array([]))
        let bundles = state + "/io.containerd.runtime.v2.task/k8s.io"
        try await room.bulkhead.wait(for: "bundles") { ((try? Files.names(in: bundles)) ?? []).isEmpty }
        try await expectNothingLeft()
    }
}
