import AgentAPI
import Linux

/// What of a container's file system is the kernel's own: /proc, /dev and /sys, with what is mounted, made and hidden in
/// them. Most containers have it alike, and nothing in it is of their images. Pure.
struct KernelMounts: Equatable, Sendable {
    /// In their order.
    var mounts: [MountSpec] = []
    var devices: [DeviceSpec] = []
    var readonlyPaths: [String] = []
    var maskedPaths: [String] = []

    private static let places = ["/proc", "/dev", "/sys"]
    private static let types: Set<String> = ["proc", "sysfs", "tmpfs", "devpts", "mqueue"]

    /// What of the container can be mounted before it is known otherwise, and the container without that. Nil where the
    /// outcome might be another than with all mounts in their order.
    static func split(_ spec: ContainerSpec) -> (own: KernelMounts, rest: ContainerSpec)? {
        // Those are the guest's at the time.
        guard !spec.hasGuestDevices else { return nil }
        var own = KernelMounts(), rest = spec
        rest.mounts = []
        for mount in spec.mounts {
            guard isPlain(mount.destination) else { return nil }
            if isWithinPlaces(mount.destination), types.contains(mount.type), mount.flags & notNew == 0 {
                // Those before it may be found below it, or hide it.
                guard rest.mounts.allSatisfy({ isControlGroup($0) && !areNested($0.destination, mount.destination) })
                else { return nil }
                // Of what it covers it has the mode, and what is in it.
                guard mount.type != "tmpfs" || !mount.copiesUp && (mount.hasMode || own.covers(mount.destination))
                else { return nil }
                own.mounts.append(mount)
            } else {
                // What is mounted over these is to cover what is hidden there, or is hidden with it.
                guard isControlGroup(mount) || !isWithinPlaces(mount.destination) else { return nil }
                rest.mounts.append(mount)
            }
        }
        if own.covers("/dev") {
            guard spec.devices.allSatisfy({ $0.path.hasPrefix("/dev/") && isPlain($0.path) }) else { return nil }
            (own.devices, rest.devices) = (spec.devices, [])
        }
        func isOwn(_ path: String) -> Bool { isPlain(path) && own.covers(path) }
        for group in rest.mounts where isControlGroup(group) {
            let paths = spec.readonlyPaths + spec.maskedPaths
            guard !paths.contains(where: { areNested($0, group.destination) }) else { return nil }
        }
        own.readonlyPaths = spec.readonlyPaths.filter(isOwn)
        own.maskedPaths = spec.maskedPaths.filter(isOwn)
        rest.readonlyPaths.removeAll(where: isOwn)
        rest.maskedPaths.removeAll(where: isOwn)
        return own.mounts.isEmpty ? nil : (own, rest)
    }

    /// Whether who wants `others` can have these: the same mounts, in whatever order and words, with the same hidden.
    /// - Parameter isThere: whether there is something at a path: to hide what is not comes to nothing.
    func serve(_ others: KernelMounts, isThere: (String) -> Bool) -> Bool {
        guard devices == others.devices, let own = canonicalMounts, own == others.canonicalMounts else { return false }
        return Self.areAlike(readonlyPaths, others.readonlyPaths, isThere)
            && Self.areAlike(maskedPaths, others.maskedPaths, isThere)
    }

    /// In the order of their places, which no two may have in common.
    private var canonicalMounts: [MountSpec]? {
        let sorted = mounts.sorted { $0.destination < $1.destination }
        guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0.destination != $1.destination }),
            // One that comes after what is below it hides that.
            !mounts.enumerated().contains(where: { index, mount in
                mounts[..<index].contains { $0.destination.hasPrefix(mount.destination + "/") }
            })
        else { return nil }
        return sorted.map { mount in
            var mount = mount
            mount.data = mount.data.split(separator: ",").map(Self.canonicalOption).sorted().joined(separator: ",")
            return mount
        }
    }

    /// Sizes in bytes.
    private static func canonicalOption(_ option: Substring) -> String {
        let prefix = "size="
        guard option.hasPrefix(prefix), let unit = option.last, let shift = shift(of: unit),
            let number = Int64(option.dropFirst(prefix.count).dropLast()), number < 1 << 32
        else { return String(option) }
        return prefix + "\(number << shift)"
    }

    /// No dictionary: this runs in the copy of a process that may have none.
    private static func shift(of unit: Character) -> Int64? {
        switch unit {
        case "k", "K": 10
        case "m", "M": 20
        case "g", "G": 30
        default: nil
        }
    }

    private static func areAlike(_ some: [String], _ others: [String], _ isThere: (String) -> Bool) -> Bool {
        some.allSatisfy { others.contains($0) || !isThere($0) }
            && others.allSatisfy { some.contains($0) || !isThere($0) }
    }

    /// Those that are in no other.
    var outermost: [MountSpec] {
        mounts.filter { mount in
            !mounts.contains { $0 != mount && mount.destination.hasPrefix($0.destination + "/") }
        }
    }

    /// As a container, for whoever makes it.
    var spec: ContainerSpec {
        var spec = ContainerSpec()
        (spec.mounts, spec.devices) = (mounts, devices)
        (spec.readonlyPaths, spec.maskedPaths) = (readonlyPaths, maskedPaths)
        return spec
    }

    private static let notNew = UInt64(MountFlags.bind.union(.remount).rawValue)

    private static func isControlGroup(_ mount: MountSpec) -> Bool {
        (mount.type == "cgroup" || mount.type == "cgroup2") && mount.flags & notNew == 0
    }

    private func covers(_ path: String) -> Bool {
        mounts.contains { Self.isWithin(path, $0.destination) }
    }

    private static func isWithinPlaces(_ path: String) -> Bool {
        places.contains { isWithin(path, $0) }
    }

    private static func isWithin(_ path: String, _ place: String) -> Bool {
        path == place || path.hasPrefix(place + "/")
    }

    private static func areNested(_ one: String, _ other: String) -> Bool {
        isWithin(one, other) || isWithin(other, one)
    }

    /// Absolute, and written in the one way that it can be without links.
    private static func isPlain(_ path: String) -> Bool {
        let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")
        guard path.utf8.first == slash, path.utf8.last != slash else { return false }
        // Of the name at hand: its bytes, of which so many are dots.
        var bytes = 0, dots = 0, isFirst = true
        for byte in path.utf8 {
            if byte == slash {
                if !isFirst, bytes == dots, bytes < 3 { return false }
                (bytes, dots, isFirst) = (0, 0, false)
            } else {
                bytes += 1
                if byte == dot { dots += 1 }
            }
        }
        return bytes != dots || bytes > 2
    }
}

/// `KernelMounts` that an init has before it knows its container, in a place of its mount namespace's own.
struct PreparedMounts: ~Copyable {
    let mounts: KernelMounts
    private let place: ContainerRoot

    /// Mounts them.
    /// - Parameter path: a directory, made if it is missing, that nobody else in this mount namespace uses.
    static func make(_ mounts: KernelMounts, at path: String) throws(ContainerError) -> PreparedMounts {
        let directory = try stage("prepare the mounts") { () throws(SystemCallError) in
            try Files.makeDirectories(path, mode: 0o700)
            try Mounts.mount("tmpfs", on: path, type: "tmpfs", data: "mode=700,size=64k")
            return try Files.open(path, [.path, .directory])
        }
        let place = ContainerRoot(path: path, directory: directory)
        let spec = mounts.spec
        for mount in spec.mounts { try ContainerMount(mount).perform(in: place) }
        try place.makeDevices(spec)
        for path in spec.readonlyPaths { try place.protect(path) }
        for path in spec.maskedPaths { try place.mask(path) }
        return PreparedMounts(mounts: mounts, place: place)
    }

    /// Mounts copies where they are in the container: kernels list what was there first before the container's root, which
    /// is not to come after what it contains.
    borrowing func attach(in root: borrowing ContainerRoot) throws(ContainerError) {
        for mount in mounts.outermost {
            try stage("mount \(mount.destination)") { () throws(SystemCallError) in
                let target = try root.makePlace(mount.destination, directory: true)
                let prepared = try place.place(mount.destination)
                let copy = try Mounts.clone(prepared, recursive: true, named: mount.destination)
                try Mounts.attach(copy, at: target, named: mount.destination)
            }
        }
    }

    /// Whether a container that wants these can have what is prepared.
    borrowing func serve(_ wanted: KernelMounts) -> Bool {
        if mounts == wanted { return true }
        return mounts.serve(wanted) { path in
            switch try? place.place(path) {
            case .some: true
            case .none: false
            }
        }
    }

    /// Takes them away: the kernel has one sysfs for a network namespace, and one mqueue for an ipc namespace, with the
    /// options that it was mounted with first.
    borrowing func remove() throws(ContainerError) {
        let path = place.path
        try stage("remove the prepared mounts") { () throws(SystemCallError) in
            try Mounts.unmount(path, detach: true)
        }
    }
}
