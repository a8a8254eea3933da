import CommandTree
import EventLoop
import Linux

/// `bulkhead check`: whether this host can run pods, a line for each thing that it takes.
enum Check {
    static let command = Command(
        "check", "Tell whether this host can run pods, and what to do where it cannot", group: Verbs.host)

    enum Verdict: Equatable { case fine(String), worse(String, remedy: String), missing(String, remedy: String) }

    static func run(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        var isMissing = false
        for (what, verdict) in lines(host) {
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

    private static func lines(_ host: Host) -> [(String, Verdict)] {
        [
            ("user", user), ("processor", processor), ("/dev/kvm", kvm(host)), ("accelerator", accelerator(host)),
            ("QEMU", qemu(host)),
            ("guest kernel", file(host.configuration.guest.kernel ?? host.installed("guest/vmlinux"))),
            ("guest initrd", file(host.configuration.guest.initrd ?? host.installed("guest/initrd.cpio"))),
            ("kernel", kernel), ("cgroups", cgroups), ("/dev/net/tun", tun), ("skopeo", tool("skopeo")),
            ("umoci", tool("umoci")), ("seccomp profile", seccomp(host)), ("disk", disk(host.root)),
            ("state", state(host.state)),
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

    private static func qemu(_ host: Host) -> Verdict {
        let path = host.configuration.qemu.path
        return Files.exists(path)
            ? .fine(path) : .missing("there is no \(path)", remedy: "apt-get install qemu-system-x86")
    }

    private static func file(_ path: String?) -> Verdict {
        guard let path, Files.exists(path) else {
            return .missing(
                path.map { "there is no \($0)" } ?? "it is not installed", remedy: "make guest, or make install")
        }
        return .fine(path)
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
        return .worse("version 1 or none", remedy: "pods are not limited from outside yet, so nothing is missed")
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

    private static func disk(_ root: String) -> Verdict {
        // The nearest directory that is there is on the file system that will be.
        var path = root
        while !Files.exists(path), let parent = Files.parent(of: path) { path = parent }
        guard let free = try? Files.freeBytes(path) else { return .worse("\(path) cannot be asked", remedy: "see df") }
        let text = "\(free >> 20) MiB free for \(root)"
        return free >> 20 >= neededMiB
            ? .fine(text) : .worse(text, remedy: "images need room: make some, or set root elsewhere")
    }

    private static func state(_ path: String) -> Verdict {
        do {
            try Files.makeDirectories(path, mode: 0o700)
            return .fine(path)
        } catch {
            return .missing("\(error)", remedy: "set state to a directory that can be made")
        }
    }
}
