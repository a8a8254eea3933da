import OCI

/// Every mount option: what the kernel says of a mount that has it.
extension SpecDocument {
    struct OptionCheck: Sendable {
        let name: String
        /// Options that it gets first, as a mount: those of the file system itself stay. Nil: the option is the
        /// mount's own.
        var before: [String]?
        /// Beside it.
        var with: [String] = []
        let expectation: SpecCheck.Expectation

        init(_ name: String, with: [String] = [], _ word: String, isThere: Bool = true) {
            (self.name, self.with, before) = (name, with, nil)
            expectation = word.hasSuffix(":") ? .part(word, isThere) : .word(word, isThere)
        }

        init(_ name: String, after before: String, _ word: String, isThere: Bool = false) {
            (self.name, self.before) = (name, [before])
            expectation = word.hasSuffix(":") ? .part(word, isThere) : .word(word, isThere)
        }
    }

    static let options: [OptionCheck] =
        ["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "nosymfollow", "ro"].map { .init($0, $0) }
        + ["sync", "dirsync", "lazytime"].map { .init($0, $0) }
        + [
            .init("strictatime", "relatime", isThere: false), .init("rw", after: "ro", "ro"),
            .init("suid", after: "nosuid", "nosuid"), .init("dev", after: "nodev", "nodev"),
            .init("exec", after: "noexec", "noexec"), .init("atime", after: "noatime", "noatime"),
            .init("diratime", after: "nodiratime", "nodiratime"),
            .init("nostrictatime", after: "strictatime", "relatime", isThere: true),
            .init("symfollow", after: "nosymfollow", "nosymfollow"),
            .init("async", with: ["sync"], "sync", isThere: false),
            .init("nolazytime", with: ["lazytime"], "lazytime", isThere: false),
            .init("shared", "shared:"), .init("rshared", "shared:"), .init("unbindable", "unbindable"),
            .init("runbindable", "unbindable"),
        ]
        + ["slave", "rslave", "private", "rprivate"].map { .init($0, after: "shared", "shared:") }
        + ["ro", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow", "noatime"].map { .init("r" + $0, $0) }
        + [
            ("rrw", "ro"), ("rsuid", "nosuid"), ("rdev", "nodev"), ("rexec", "noexec"), ("rdiratime", "nodiratime"),
            ("rsymfollow", "nosymfollow"), ("ratime", "noatime"),
        ].map { .init($0.0, after: $0.1, $0.1) }
        + [
            .init("rstrictatime", "relatime", isThere: false),
            .init("rnostrictatime", after: "strictatime", "relatime", isThere: true),
            .init("rrelatime", after: "strictatime", "relatime", isThere: true),
        ]

    /// Options that are applied without a check of their own, and why.
    static let optionsElsewhere: [String: String] = [
        "bind": "every container of these tests", "rbind": "every container of these tests",
        "remount": "what is changed here",
        "mand": "without effect since Linux 5.15", "nomand": "as mand",
        "silent": "fewer messages of the kernel", "loud": "as silent",
        "iversion": "the kernel does not show it", "noiversion": "as iversion",
        "defaults": "no effect", "norelatime": "no effect", "rnorelatime": "no effect",
        "tmpcopyup": "what is copied, in `mounted`", "notmpcopyup": "as tmpcopyup",
    ]

    /// A remount that is not a bind's would need the file system's options again; a bind's names a source, without
    /// effect.
    static let mounted = SpecDocument(
        name: "mounted",
        checks: [
            SpecCheck("mounts[].source", script: "cat /bound/of-the-host", .text("of the host")),
            SpecCheck(
                "mounts[].source", script: "cd /made; echo x >/bound/x", .part("Read-only file system", true)),
            SpecCheck("mounts[].destination", script: "awk '$5==\"/made\"{print $4}' /proc/self/mountinfo", .text("/")),
            SpecCheck(
                "mounts[].type",
                script: "awk '$5==\"/made\" || $5==\"/v1\"' /proc/self/mountinfo | grep -o -- '- [a-z0-9]*'",
                .text("- tmpfs\n- cgroup2")),
            SpecCheck("mounts[].options", script: "options /made", .word("size=1024k", true)),
            // Only what was asked for is cleared, and below it nothing unless asked for.
            SpecCheck("mounts[].options", script: "options /kept", .word("nosuid", true)),
            SpecCheck("mounts[].options", script: "options /kept", .word("noexec", false)),
            SpecCheck("mounts[].options", script: "options /deep/below", .word("ro", true)),
            SpecCheck("mounts[].options", script: "options /flat/below", .word("rw", true)),
            SpecCheck(
                "mounts[].options", script: "cd /copied; cat below/file; stat -c %a .", .text("of the image\n711")),
            SpecCheck("mounts[].options", script: "ls /uncopied", .text("")),
            // It is run when all of that is mounted.
            SpecCheck("hooks.startContainer", script: "cat /made/hook", .part(#""status":"created""#, true)),
            SpecCheck("hooks.startContainer", script: "cat /made/hook", .part("hook of 1 ", true)),
        ]
            + options.enumerated().map {
                SpecCheck("mounts[].options", script: "options /o/\($0)", $1.expectation)
            }
    ) { spec, host in
        func change(_ destination: String, _ options: [String]) -> RuntimeSpec.Mount {
            mount(destination, "bind", host + "/etc", ["bind", "remount"] + options)
        }
        spec.mounts? += [
            mount("/made", "tmpfs", "tmpfs", ["size=1m"]), mount("/bound", "bind", host + "/etc", ["rbind", "rro"]),
            mount("/v1", "cgroup", "cgroup", ["ro", "xattr"]),
            mount("/kept", "tmpfs", "tmpfs", ["nosuid", "noexec"]), change("/kept", ["exec"]),
            mount("/deep", "tmpfs", "tmpfs"), mount("/deep/below", "tmpfs", "tmpfs"), change("/deep", ["rro"]),
            mount("/flat", "tmpfs", "tmpfs"), mount("/flat/below", "tmpfs", "tmpfs"), change("/flat", ["ro"]),
        ]
        spec.mounts? += [
            mount("/copied", "tmpfs", "tmpfs", ["tmpcopyup"]),
            mount("/uncopied", "tmpfs", "tmpfs", ["notmpcopyup"]),
        ]
        var hook = RuntimeSpec.Hook(path: "/bin/sh")
        hook.args = ["sh", "-c", "echo hook of $PPID $(cat) >/made/hook"]
        hook.env = ["PATH=/bin"]
        spec.hooks = .init()
        spec.hooks?.startContainer = [hook]
        for (index, option) in options.enumerated() {
            let place = "/o/\(index)"
            if let before = option.before {
                spec.mounts? += [mount(place, "tmpfs", "tmpfs"), change(place, before), change(place, [option.name])]
            } else {
                spec.mounts?.append(mount(place, "tmpfs", "tmpfs", option.with + [option.name]))
            }
        }
    }
}
