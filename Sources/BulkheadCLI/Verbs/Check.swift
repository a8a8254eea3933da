import CommandTree
import EventLoop
import FrontEnd
import Linux
import Monitor
import Templates

/// `bulkhead check`: whether this host can run pods, a line for each thing that it takes.
@EventLoop enum Check {
    nonisolated static let command = Command(
        "check", "Tell whether this host can run pods, and what to do where it cannot", group: Verbs.host)

    enum Verdict: Equatable { case fine(String), worse(String, remedy: String), missing(String, remedy: String) }

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        var isMissing = false
        for (what, verdict) in await lines(host) {
            switch verdict {
            case .fine(let found): try say("ok       \(what): \(found)")
            case .worse(let found, let remedy): try say("warning  \(what): \(found): \(remedy)")
            case .missing(let found, let remedy):
                isMissing = true
                try say("FAILED   \(what): \(found): \(remedy)")
            }
        }
        return isMissing ? 1 : 0
    }

    private static func lines(_ host: Host) async -> [(String, Verdict)] {
        [
            ("user", user), ("processor", processor), ("/dev/kvm", kvm(host)), ("accelerator", accelerator(host)),
            ("QEMU", await qemu(host)),
            ("guest kernel", file(host.guestKernel, .kernel)),
            ("guest initrd", file(host.guestInitrd, .initrd)),
            ("kernel", kernel), ("cgroups", cgroups), ("/dev/net/tun", tun), ("skopeo", tool("skopeo")),
            ("umoci", tool("umoci")), ("seccomp profile", seccomp(host)), ("disk", disk(host)),
            ("state", state(host)), ("templates", templates(host)),
        ]
    }

    private static var user: Verdict {
        CurrentProcess.user == 0
            ? .fine("root") : .missing("user \(CurrentProcess.user)", remedy: "run bulkhead as root")
    }

    private static var processor: Verdict {
        KVM.processorIsCapable
            ? .fine("it has virtualization")
            : .worse(
                "it shows neither vmx nor svm", remedy: "turn virtualization on in the firmware, or nested in the host")
    }

    private static func kvm(_ host: Host) -> Verdict {
        guard let why = KVM.unopenable else { return .fine("it opens") }
        return .worse(why, remedy: "modprobe kvm_intel or kvm_amd, and see to its permissions")
    }

    private static func accelerator(_ host: Host) -> Verdict {
        do {
            switch try host.accelerator() {
            case .kvm: return .fine("kvm")
            case .tcg:
                return .worse(
                    "tcg", remedy: "it is for development: slow, and no security boundary; see the two lines above")
            }
        } catch {
            return .missing("\(error)", remedy: "set accelerator: auto")
        }
    }

    static func qemu(_ host: Host) async -> Verdict {
        let path = host.configuration.qemu.path
        guard Files.exists(path) else {
            return .missing("there is no \(path)", remedy: "apt-get install qemu-system-x86")
        }
        do {
            return qemu(path, said: try await firstWords(of: path, ["--version"]))
        } catch {
            return .missing("\(path) does not run: \(error)", remedy: qemuRemedy)
        }
    }

    private nonisolated static let qemuRemedy = "set qemu.path to a QEMU, such as /usr/bin/qemu-system-x86_64"

    nonisolated static func qemu(_ path: String, said: FirstWords) -> Verdict {
        if said.exit == .exited(code: 0), let version = qemuVersion(said.output) {
            return .fine("\(path), version \(version)")
        }
        // A library that is missing, for instance.
        let line = String(decoding: said.error, as: UTF8.self).prefix { !$0.isNewline }
        let why = line.isEmpty ? "" : ": " + Shown.harmless(String(line))
        return .missing("\(path) does not say a version of QEMU (\(said.exit)\(why))", remedy: qemuRemedy)
    }

    /// `7.2.13` of `QEMU emulator version 7.2.13 (Debian 1:7.2+dfsg-7+deb12u7)`.
    nonisolated static func qemuVersion(_ output: [UInt8]) -> String? {
        let words = String(decoding: output, as: UTF8.self).prefix { !$0.isNewline }.split(separator: " ")
        guard words.count >= 4, words[0] == "QEMU", words[1] == "emulator", words[2] == "version",
            words[3].utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true
        else { return nil }
        return String(words[3])
    }

    /// How long a program may take to say its version.
    private static let patience: Duration = .seconds(5)

    /// What a program has said before it ended.
    struct FirstWords: Sendable {
        var output: [UInt8]
        var error: [UInt8]
        var exit: ProcessExit
    }

    /// What a program writes first to each output, up to a page, and how it ends. It can write no more than that.
    private static func firstWords(of program: String, _ arguments: [String]) async throws -> FirstWords {
        let output = try Pipe(), error = try Pipe()
        let nothing = try Files.open("/dev/null")
        var plan = SpawnPlan(program, [program] + arguments, environment: ["PATH=/usr/bin:/bin"])
        plan.newSession = true
        plan.forbidsNewPrivileges = true
        let child = try plan.start(descriptors: [
            DescriptorMapping(nothing.withRaw { $0 }, as: 0),
            DescriptorMapping(output.writing.withRaw { $0 }, as: 1),
            DescriptorMapping(error.writing.withRaw { $0 }, as: 2),
        ])
        let process = try WatchedProcess(child)
        defer { process.signal(9) }
        let readers = [try AsyncFD(output.reading.duplicate()), try AsyncFD(error.reading.duplicate())]
        _ = consume output
        _ = consume error
        return try await within(patience, waitingFor: "version") {
            var words: [[UInt8]] = []
            for reader in readers {
                words.append(try await reader.read(upTo: 4096))
                // One that writes on without end is ended by it.
                reader.close()
            }
            return FirstWords(output: words[0], error: words[1], exit: try await process.exit.value())
        }
    }

    enum GuestFile {
        case kernel, initrd

        /// What such a file begins with. ELF's header, and cpio(5)'s "newc".
        var magic: [UInt8] {
            switch self {
            case .kernel: [0x7F] + Array("ELF".utf8)
            case .initrd: Array("070701".utf8)
            }
        }
        var name: String {
            switch self {
            case .kernel: "an uncompressed kernel (ELF)"
            case .initrd: "an uncompressed cpio archive"
            }
        }
    }

    private static func file(_ path: String?, _ kind: GuestFile) -> Verdict {
        guard let path, Files.exists(path) else {
            return .missing(
                path.map { "there is no \($0)" } ?? "it is not installed",
                remedy: "make guest, or make install, or see guest.kernel and guest.initrd of the configuration")
        }
        do {
            let file = try Files.open(path, [.nonBlocking, .noTerminal])
            guard try file.status().kind == .regular,
                try file.read(upTo: kind.magic.count, at: 0) == kind.magic
            else {
                return .missing("\(path) is not \(kind.name)", remedy: "make guest, or see the section guest of config")
            }
            return .fine(path)
        } catch {
            return .missing("\(path) cannot be read: \(error.reason)", remedy: "see to its permissions")
        }
    }

    /// move_mount and mount_setattr, pidfd_open and clone3 with a cgroup.
    private static let neededKernel = (5, 12)

    private static var kernel: Verdict {
        let release = (try? Files.readText("/proc/sys/kernel/osrelease"))?.filter { !$0.isNewline } ?? "unknown"
        let parts = release.split { $0 == "." || $0 == "-" }.prefix(2).compactMap { Int($0) }
        guard parts.count == 2, (parts[0], parts[1]) >= neededKernel else {
            return .missing(release, remedy: "a kernel of \(neededKernel.0).\(neededKernel.1) or later is needed")
        }
        return .fine(release)
    }

    private static var cgroups: Verdict {
        if Files.exists("/sys/fs/cgroup/cgroup.controllers") { return .fine("version 2") }
        return .worse(
            "version 1 or none",
            remedy:
                "engines' containers are limited by version 1, too; this command's pods are not limited from outside yet"
        )
    }

    private static var tun: Verdict {
        Files.exists("/dev/net/tun")
            ? .fine("it is there") : .worse("it is not there", remedy: "modprobe tun; containers have no network yet")
    }

    private static func tool(_ name: String) -> Verdict {
        let places = ["/usr/bin/", "/usr/local/bin/", "/bin/"]
        guard let path = places.map({ $0 + name }).first(where: Files.exists) else {
            return .worse("it is not installed", remedy: "apt-get install \(name), to get and load images")
        }
        return .fine(path)
    }

    private static func seccomp(_ host: Host) -> Verdict {
        guard let path = host.seccompProfile else {
            return .worse("containers have none", remedy: "see container.seccomp")
        }
        return Files.exists(path)
            ? .fine(path)
            : .missing("there is no \(path)", remedy: "apt-get install golang-github-containers-common")
    }

    private static let neededMiB: UInt64 = 512

    private static func disk(_ host: Host) -> Verdict {
        if let problem = host.directoryProblem("root") {
            return .missing(problem, remedy: "set root to a directory, or to one that can be made")
        }
        let root = host.root
        // The nearest directory that is there is on the file system that will be.
        var path = root
        while !Files.exists(path), let parent = Files.parent(of: path) { path = parent }
        guard let free = try? Files.freeBytes(path) else { return .worse("\(path) cannot be asked", remedy: "see df") }
        let text = "\(free >> 20) MiB free for \(root)"
        return free >> 20 >= neededMiB
            ? .fine(text) : .worse(text, remedy: "images need room: make some, or set root elsewhere")
    }

    private static func state(_ host: Host) -> Verdict {
        if let problem = host.directoryProblem("state") {
            return .missing(problem, remedy: "set state to a directory, or to one that can be made")
        }
        do {
            try Files.makeDirectories(host.state, mode: 0o700)
            return .fine(host.state)
        } catch {
            return .missing("\(error)", remedy: "set state to a directory that can be made")
        }
    }

    /// Pods begin without them as well, only later.
    private static func templates(_ host: Host) -> Verdict {
        guard host.configuration.template.enabled else {
            return .fine("template.enabled is false: every machine boots")
        }
        let directory = host.templateDirectory
        do {
            let configuration = try host.monitorConfiguration("", size: host.machineSize(containers: []))
            if let problem = TemplateBuilder.problem(configuration) {
                return .worse(problem, remedy: "pods boot until \"bulkhead template build\" makes one")
            }
            let key = try TemplateBuilder.key(configuration).id
            if (try? host.templates.header(key)) == nil {
                return .fine("none in \(directory) yet: the first pod's start makes it")
            }
            let spares = configuration.spareCount > 0 ? SpareStarter.lastFailure(configuration, since: 0) : nil
            guard let spares else { return .fine(directory) }
            return .worse("the last spare that came to nothing: \(spares)", remedy: "see \"bulkhead spare fill\"")
        } catch {
            // The lines above say what to do.
            return .worse("they depend on what is missing", remedy: "see the lines above")
        }
    }
}
