import AgentAPI
import Archive
import Linux

/// One mount of a container.
struct ContainerMount {
    let spec: MountSpec
    private let flags: MountFlags, clearedFlags: MountFlags

    private static let noDirectoryAccessTime: UInt = 2048, noAccessTime: UInt = 1024, relativeAccessTime: UInt = 1 << 21
    private static let strictAccessTime: UInt = 1 << 24, noSymlinkFollow: UInt = 256

    init(_ spec: MountSpec) {
        self.spec = spec
        flags = MountFlags(rawValue: UInt(truncatingIfNeeded: spec.flags))
        clearedFlags = MountFlags(rawValue: UInt(truncatingIfNeeded: spec.clearedFlags)).subtracting(flags)
    }

    /// Mounts it within `root`.
    func perform(in root: borrowing ContainerRoot) throws(ContainerError) {
        let step = "mount \(spec.destination)"
        guard spec.destination.split(separator: "/").contains(where: { $0 != "." && $0 != ".." }) else {
            throw ContainerError(step, "the root is mounted already")
        }
        if flags.contains(.bind), !flags.contains(.remount) { return try bind(in: root, step) }
        guard flags.contains(.bind) else { return try mountFileSystem(in: root, step) }
        try stage(step) { () throws(SystemCallError) in try change(root.place(spec.destination)) }
    }

    private func bind(in root: borrowing ContainerRoot, _ step: String) throws(ContainerError) {
        let source = try stage(step) { () throws(SystemCallError) in try Files.open(spec.source, .path) }
        let isDirectory = try stage(step) { () throws(SystemCallError) in try source.status().kind == .directory }
        let target = try stage(step) { () throws(SystemCallError) in
            try root.makePlace(spec.destination, directory: isDirectory)
        }
        let isOverDirectory = try stage(step) { () throws(SystemCallError) in try target.status().kind == .directory }
        guard isDirectory == isOverDirectory else {
            throw ContainerError(
                step,
                isDirectory
                    ? "a directory cannot be mounted over a file: name a directory of the container"
                    : "a file cannot be mounted over a directory: name the file's place in the container")
        }
        try stage(step) { () throws(SystemCallError) in
            let mount = try Mounts.clone(source, recursive: flags.contains(.recursive), named: spec.source)
            // Before it is attached: no moment in which it can be written to.
            let (set, clear) = attributes
            if !set.isEmpty || !clear.isEmpty {
                try Mounts.setAttributes(mount, set: set, clear: clear, named: spec.destination)
            }
            try setRecursiveAttributes(mount)
            try Mounts.attach(mount, at: target, named: spec.destination)
            try setPropagation(mount)
        }
    }

    private func mountFileSystem(in root: borrowing ContainerRoot, _ step: String) throws(ContainerError) {
        // The guest has version 2 only; what an OCI config calls cgroup is whichever there is.
        let isControlGroup = spec.type == "cgroup"
        let type = isControlGroup ? "cgroup2" : spec.type
        var data = isControlGroup ? "" : spec.data
        let covered = try stage(step) { () throws(SystemCallError) in
            do throws(SystemCallError) {
                let place = try root.place(spec.destination)
                if takesMode { data = Self.mode(try place.status()) + (data.isEmpty ? "" : ",") + data }
                return place
            } catch {
                guard error.code == ErrorNumber.noEntry else { throw error }
                return try root.makePlace(spec.destination, directory: true)
            }
        }
        let mount = try stage(step) { () throws(SystemCallError) in
            // A read-only one has to be filled first.
            let kept = flags.subtracting(spec.copiesUp ? [.recursive, .readOnly] : [.recursive])
            try covered.withPath { path throws(SystemCallError) in
                do throws(SystemCallError) {
                    try Mounts.mount(
                        spec.source.isEmpty ? type : spec.source, on: path, type: type, kept,
                        data: data.isEmpty ? nil : data)
                } catch {
                    // By the container's name for the place; options are mostly to blame.
                    let options = spec.data.isEmpty ? "" : " with \(spec.data)"
                    throw SystemCallError(error.call, "\(type) on \(spec.destination)\(options)", code: error.code)
                }
            }
            // Opened again: `covered` is below the mount now. As it was found before, whatever the links on the way.
            return try root.makePlace(spec.destination, directory: true)
        }
        if spec.copiesUp { try fill(mount, with: covered, step) }
        try stage(step) { () throws(SystemCallError) in
            try setRecursiveAttributes(mount)
            try setPropagation(mount)
        }
    }

    /// As runc has it, a tmpfs has the mode of the directory that it covers.
    private var takesMode: Bool { spec.type == "tmpfs" && !spec.hasMode && !flags.contains(.remount) }

    private static func mode(_ status: FileStatus) -> String { "mode=" + String(status.mode, radix: 8) }

    /// Copies what the mount covers into it, as far as there is room.
    private func fill(_ mount: borrowing OwnedFD, with covered: borrowing OwnedFD, _ step: String)
        throws(ContainerError)
    {
        do {
            _ = try Archive.copyContents(
                of: covered, into: mount, UnpackOptions(devices: .make, specialBits: .keep))
        } catch {
            throw ContainerError(step, "what it covers cannot be copied into it (tmpcopyup): \(error)")
        }
        guard flags.contains(.readOnly) else { return }
        try stage(step) { () throws(SystemCallError) in
            try Mounts.setAttributes(mount, set: .readOnly, named: spec.destination)
        }
    }

    private func change(_ mount: borrowing OwnedFD) throws(SystemCallError) {
        let (set, clear) = attributes
        try Mounts.setAttributes(mount, set: set, clear: clear, named: spec.destination)
        try setRecursiveAttributes(mount)
        try setPropagation(mount)
    }

    private func setRecursiveAttributes(_ mount: borrowing OwnedFD) throws(SystemCallError) {
        guard spec.recursiveAttributes != 0 || spec.clearedRecursiveAttributes != 0 else { return }
        try Mounts.setAttributes(
            mount, set: MountAttributes(rawValue: spec.recursiveAttributes),
            clear: MountAttributes(rawValue: spec.clearedRecursiveAttributes), recursive: true,
            named: spec.destination)
    }

    private func setPropagation(_ mount: borrowing OwnedFD) throws(SystemCallError) {
        guard spec.propagation != 0 else { return }
        let propagation = MountFlags(rawValue: UInt(truncatingIfNeeded: spec.propagation))
        try Mounts.setPropagation(mount, propagation, named: spec.destination)
    }

    /// The flags as mount_setattr(2) has them; what is neither set nor cleared stays as the source has it.
    /// MOUNT_ATTR_NOATIME and its kind are one field of three bits, in which 0 is the kernel's default.
    private var attributes: (set: MountAttributes, clear: MountAttributes) {
        var set: MountAttributes = [], clear: MountAttributes = []
        for (flag, attribute) in [
            (MountFlags.readOnly, MountAttributes.readOnly), (.noSetUID, .noSetUID), (.noDevices, .noDevices),
            (.noExecute, .noExecute), (MountFlags(rawValue: Self.noSymlinkFollow), .noSymlinkFollow),
            (MountFlags(rawValue: Self.noDirectoryAccessTime), MountAttributes(rawValue: 0x80)),
        ] {
            if flags.contains(flag) { set.insert(attribute) }
            if clearedFlags.contains(flag) { clear.insert(attribute) }
        }
        let accessTimes = MountAttributes(rawValue: 0x70)
        let choices = MountFlags(rawValue: Self.noAccessTime | Self.strictAccessTime)
        if !clearedFlags.isDisjoint(with: choices) { clear.formUnion(accessTimes) }
        for (flag, value) in [
            (Self.relativeAccessTime, UInt64(0)), (Self.noAccessTime, 0x10), (Self.strictAccessTime, 0x20),
        ] where flags.contains(MountFlags(rawValue: flag)) {
            clear.formUnion(accessTimes)
            set = MountAttributes(rawValue: set.rawValue & ~0x70 | value)
        }
        return (set, clear)
    }
}

extension MountSpec {
    /// Whether it says itself which mode its root is to have.
    var hasMode: Bool { data.split(separator: ",").contains { $0.hasPrefix("mode=") } }
}
