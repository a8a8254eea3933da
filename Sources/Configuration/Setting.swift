import YAML

/// A key of the file, with all there is to know of it.
struct Setting: Sendable {
    /// From the top, with dots: `guest.memory`.
    let path: String
    /// What may be written.
    let format: String
    /// A sequence may be written, too: it is read as its elements with commas.
    let isList: Bool
    /// What it is for, in Markdown of one line.
    let remark: String
    /// Sets it from a value of the file.
    let read: @Sendable (YAMLScalar, inout Configuration) throws(ValueProblem) -> Void
    /// What it is, in YAML.
    let text: @Sendable (Configuration) -> String

    init<Value: Equatable & Sendable>(
        _ path: String, _ place: WritableKeyPath<Configuration, Value> & Sendable, _ format: ValueFormat<Value>,
        _ remark: String
    ) {
        self.path = path
        self.format = format.description
        isList = format.isList
        self.remark = remark
        read = { scalar, configuration throws(ValueProblem) in
            configuration[keyPath: place] = try format.parse(scalar)
        }
        text = { format.text($0[keyPath: place]) }
    }

    /// The mapping it stands in, nil at the top.
    var section: String? { path.split(separator: ".").dropLast().first.map(String.init) }
    /// Its name there.
    var name: String { path.split(separator: ".").last.map(String.init) ?? path }
}

extension Configuration {
    /// Every key, those of a section together. What is parsed, printed, documented and tested follows from this table.
    static let settings: [Setting] = [
        Setting(
            "accelerator", \.accelerator, .word(),
            "What executes the guests' instructions. `auto`: KVM where it works, otherwise TCG with a warning. TCG is "
                + "for development: slow, and no security boundary."),
        Setting(
            "root", \.root, .path(),
            "What survives a reboot: images, templates, logs."),
        Setting(
            "state", \.state, .path(maximumBytes: Limits.stateBytes),
            "What describes running pods, on a file system that a reboot empties. Sockets are made below it, whose "
                + "whole path has 107 bytes at most."),
        Setting(
            "compat", \.compat, .word(),
            "`openeuler`: `sandbox_cpu`, `sandbox_mem` and `blkio_cgroup` of openEuler's secure containers count, annotations "
                + "that begin with `com.github.containers.virtcontainers.`. Otherwise they ask for nothing."),
        Setting("qemu.path", \.qemu.path, .path(), "QEMU's executable."),
        Setting(
            "qemu.uids", \.qemu.uids, .ids(Limits.uids, maximumCount: Limits.uidCount),
            "Users, and groups of the same numbers, that nobody else has. Each running pod's QEMU gets one of its own, "
                + "so that those of two pods can neither signal nor trace each other, nor open each other's files. As "
                + "many pods can run at a time. Numbers below 65536 are those of the distribution's and of people's "
                + "accounts and of `nobody`; the default lies between what systemd gives to containers and the numbers "
                + "that some programs take for negative ones."),
        Setting(
            "qemu.ksm", \.qemu.ksm, .truth(),
            "Whether the host's kernel may merge equal pages of pods' memory, where its KSM is on "
                + "(`/sys/kernel/mm/ksm/run`). That saves memory, and lets a pod find out, by how long a write takes, "
                + "whether another has a certain page. What pods have of one template they share without it."),
        Setting(
            "guest.kernel", \.guest.kernel, .optionalPath(),
            "The guest's kernel, an uncompressed vmlinux. `null`: the one beside the program. `make guest-kernel` builds a "
                + "smaller one, with which pods start sooner."),
        Setting(
            "guest.initrd", \.guest.initrd, .optionalPath(),
            "The guest's initrd with the agent. `null`: `initrd.cpio` beside `guest.kernel`, or the one beside the program."
        ),
        Setting(
            "guest.memory", \.guest.memoryBytes, .size(Limits.memory, multipleOf: 1 << 20),
            "Memory of a pod's machine, unless the pod says otherwise. The guest itself takes about 100MiB of it while it boots."
        ),
        Setting(
            "guest.vcpus", \.guest.vCPUs, .count(Limits.vCPUs),
            "Processors of a pod's machine, unless the pod says otherwise; as many as the host has at most."),
        Setting(
            "template.enabled", \.template.enabled, .truth(),
            "Whether a pod's machine is a clone of one that was booted and saved before: it is there in a fraction of the "
                + "time, and shares the memory that it does not change with all others. What such machines have in common "
                + "is in SECURITY.md. `false`: every machine boots."),
        Setting(
            "template.directory", \.template.directory, .optionalPath(),
            "Where the saved machines are kept, about 100 MiB each. `null`: in `templates` below `root`."),
        Setting(
            "spare.count", \.spare.count, .count(Limits.spares),
            "How many machines wait for their pod, clones in which a container has run already, so that a pod is there at "
                + "once. They are started when a pod's first program runs; each takes about as much memory as an idle pod. "
                + "`0`: none is started; those that wait already end after `spare.idle`, or by `bulkhead spare drain`. There "
                + "are none without templates. A pod begins with one of its starter's own configuration, resource limits, "
                + "cgroup, processors and niceness; where those differ, four times as many wait at most, and for a new one "
                + "the one ends that has waited longest for others."),
        Setting(
            "spare.idle", \.spare.idle, .duration(Limits.spareIdle),
            "How long one waits until it ends by itself."),
        Setting(
            "spare.reserve", \.spare.reserveBytes, .size(Limits.spareReserve),
            "With less memory available on the host none is started, and those that wait end."),
        Setting(
            "container.writable", \.container.writableBytes, .size(Limits.writable),
            "What a container can write to its root file system; more is \"no space left on device\" for it. It is "
                + "memory of the pod's machine while it is used."),
        Setting(
            "container.seccomp", \.container.seccomp, .seccomp(),
            "Which system calls a container may make, unless it says so itself. `default`: the profile that Docker "
                + "and Podman have; a path: a profile in their format."),
        Setting(
            "container.annotations", \.container.annotations, .annotations(),
            "Which annotations of Bulkhead's a pod of Kubernetes may have, by containerd's CRI; docs/conformance.md says what "
                + "they do. One that has another is refused. What `ctr`, Docker and Podman are told is not bound by it."
        ),
        Setting(
            "log.size", \.log.sizeBytes, .size(Limits.logSize),
            "Bytes of one file of a container's log. The next file begins before it is exceeded."),
        Setting(
            "log.files", \.log.files, .count(Limits.logFiles),
            "Files of a container's log; with one more, the oldest is removed."),
        Setting(
            "timeouts.start", \.timeouts.start, .duration(Limits.start),
            "How long a pod's machine may take until its agent answers."),
        Setting(
            "timeouts.stop", \.timeouts.stop, .duration(Limits.stop),
            "How long a container that is asked to end may take until it is killed."),
        Setting(
            "debug.shell", \.debug.shell, .truth(),
            "Whether `bulkhead debug shell` gives root a shell in a pod's guest, beside its agent and with all "
                + "privileges. It can change whatever the pod has, so it is for the search for errors only."),
    ]

    /// The ranges of the values above.
    enum Limits {
        /// Of a Unix socket's path (108 with the NUL) this is left for the directory.
        static let stateBytes = 48
        /// Below: accounts of the distribution and of people, and `nobody`. Above: negative as a 32-bit number.
        static let uids: ClosedRange<UInt32> = 65_536...2_147_483_647
        static let uidCount: UInt32 = 1 << 20
        /// With less the guest does not boot: it needs about 108 MiB.
        static let memory: ClosedRange<UInt64> = 128 << 20...1 << 40
        static let vCPUs = 1...64
        static let spares = 0...64
        static let spareIdle: ClosedRange<Duration> = .seconds(1) ... .seconds(86_400)
        static let spareReserve: ClosedRange<UInt64> = 0...1 << 50
        static let writable: ClosedRange<UInt64> = 1 << 20...1 << 40
        /// A file has room for the longest line.
        static let logSize: ClosedRange<UInt64> = 64 << 10...1 << 40
        static let logFiles = 1...32
        static let start: ClosedRange<Duration> = .seconds(1) ... .seconds(3600)
        static let stop: ClosedRange<Duration> = .zero ... .seconds(3600)
    }
}
