extension MountOptions {
    /// What an option means.
    public enum Meaning: Equatable, Sendable {
        /// No effect.
        case nothing
        /// Sets flags of mount(2).
        case set(MountFlags)
        /// Clears flags of mount(2).
        case clear(MountFlags)
        /// Changes the propagation.
        case propagation(MountPropagation)
        /// Sets attributes of the mount and all below.
        case setRecursively(MountAttributes)
        /// Clears attributes of the mount and all below.
        case clearRecursively(MountAttributes)
        /// Chooses how access times are kept, for the mount and all below; empty is `relatime`.
        case accessTimeRecursively(MountAttributes)
        /// Whether what a new tmpfs covers is copied into it.
        case copyUp(Bool)
        /// Accepted without effect, for that reason.
        case metByVM(String)
        /// An error, for that reason.
        case refused(String)
    }

    /// All options that are not just the file system's; a name that ends with `=` stands for any value.
    public static let table: [(name: String, meaning: Meaning)] =
        ordinary + propagations + recursive + special

    private static let byName: [String: Meaning] = Dictionary(
        table.map { ($0.name, $0.meaning) }, uniquingKeysWith: { first, _ in first })

    /// The meaning of an option; nil if it is the file system's.
    static func meaning(of option: String) -> Meaning? {
        guard let separator = option.firstIndex(of: "=") else { return byName[option] }
        return byName[String(option[...separator])]
    }

    private static let ordinary: [(name: String, meaning: Meaning)] = [
        ("bind", .set(.bind)), ("rbind", .set([.bind, .recursive])),
        ("ro", .set(.readOnly)), ("rw", .clear(.readOnly)),
        ("nosuid", .set(.noSetUID)), ("suid", .clear(.noSetUID)),
        ("nodev", .set(.noDevices)), ("dev", .clear(.noDevices)),
        ("noexec", .set(.noExecute)), ("exec", .clear(.noExecute)),
        ("sync", .set(.synchronous)), ("async", .clear(.synchronous)),
        ("dirsync", .set(.directorySync)), ("remount", .set(.remount)),
        ("mand", .set(.mandatoryLocks)), ("nomand", .clear(.mandatoryLocks)),
        ("noatime", .set(.noAccessTime)), ("atime", .clear(.noAccessTime)),
        ("nodiratime", .set(.noDirectoryAccessTime)), ("diratime", .clear(.noDirectoryAccessTime)),
        ("relatime", .set(.relativeAccessTime)), ("norelatime", .clear(.relativeAccessTime)),
        ("strictatime", .set(.strictAccessTime)), ("nostrictatime", .clear(.strictAccessTime)),
        ("nosymfollow", .set(.noSymlinks)), ("symfollow", .clear(.noSymlinks)),
        ("silent", .set(.silent)), ("loud", .clear(.silent)),
        ("lazytime", .set(.lazyTime)), ("nolazytime", .clear(.lazyTime)),
        ("iversion", .set(.inodeVersion)), ("noiversion", .clear(.inodeVersion)),
        ("defaults", .nothing),
    ]

    private static let propagations: [(name: String, meaning: Meaning)] = [
        ("shared", .propagation(MountPropagation(.shared, recursive: false))),
        ("rshared", .propagation(MountPropagation(.shared, recursive: true))),
        ("slave", .propagation(MountPropagation(.slave, recursive: false))),
        ("rslave", .propagation(MountPropagation(.slave, recursive: true))),
        ("private", .propagation(MountPropagation(.private, recursive: false))),
        ("rprivate", .propagation(MountPropagation(.private, recursive: true))),
        ("unbindable", .propagation(MountPropagation(.unbindable, recursive: false))),
        ("runbindable", .propagation(MountPropagation(.unbindable, recursive: true))),
    ]

    private static let recursive: [(name: String, meaning: Meaning)] = [
        ("rro", .setRecursively(.readOnly)), ("rrw", .clearRecursively(.readOnly)),
        ("rnosuid", .setRecursively(.noSetUID)), ("rsuid", .clearRecursively(.noSetUID)),
        ("rnodev", .setRecursively(.noDevices)), ("rdev", .clearRecursively(.noDevices)),
        ("rnoexec", .setRecursively(.noExecute)), ("rexec", .clearRecursively(.noExecute)),
        ("rnodiratime", .setRecursively(.noDirectoryAccessTime)),
        ("rdiratime", .clearRecursively(.noDirectoryAccessTime)),
        ("rnosymfollow", .setRecursively(.noSymlinks)), ("rsymfollow", .clearRecursively(.noSymlinks)),
        ("rnoatime", .accessTimeRecursively(.noAccessTime)), ("ratime", .accessTimeRecursively([])),
        ("rstrictatime", .accessTimeRecursively(.strictAccessTime)), ("rnostrictatime", .accessTimeRecursively([])),
        ("rrelatime", .accessTimeRecursively([])),
        // The kernel cannot switch relatime off, only to another setting; runc does nothing either.
        ("rnorelatime", .nothing),
    ]

    private static let special: [(name: String, meaning: Meaning)] = [
        ("tmpcopyup", .copyUp(true)), ("notmpcopyup", .copyUp(false)),
        ("idmap", .refused("idmapped mounts are not supported yet")),
        ("ridmap", .refused("idmapped mounts are not supported yet")),
        ("context=", .metByVM("the guest has no SELinux")),
        ("fscontext=", .metByVM("the guest has no SELinux")),
        ("defcontext=", .metByVM("the guest has no SELinux")),
        ("rootcontext=", .metByVM("the guest has no SELinux")),
    ]
}

extension MountOptions.Meaning {
    /// Class and remark for docs/conformance.md.
    var description: (name: String, remark: String) {
        switch self {
        case .nothing: ("applied", "no effect")
        case .set(let flags):
            (
                "applied",
                "sets \(Self.hexadecimal(flags.rawValue)) of mount(2)"
                    + (flags.isDisjoint(with: .ofFileSystem) ? "" : "; refused for a bind")
            )
        case .clear(let flags): ("applied", "clears \(Self.hexadecimal(flags.rawValue)) of mount(2)")
        case .propagation(let change): ("applied", "propagation \(Self.hexadecimal(change.rawValue))")
        case .setRecursively(let attributes):
            ("applied", "sets \(Self.hexadecimal(attributes.rawValue)) of mount_setattr(2), recursively")
        case .clearRecursively(let attributes):
            ("applied", "clears \(Self.hexadecimal(attributes.rawValue)) of mount_setattr(2), recursively")
        case .accessTimeRecursively(let attributes):
            ("applied", "access times \(Self.hexadecimal(attributes.rawValue)) of mount_setattr(2), recursively")
        case .copyUp(true): ("applied", "copies what a tmpfs covers into it; refused for others")
        case .copyUp(false): ("applied", "what a tmpfs covers stays covered")
        case .metByVM(let reason): ("met by the VM", reason)
        case .refused(let reason): ("refused", reason)
        }
    }

    private static func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
}
