/// What lies where in the initrd that the guest boots from, and the archive made of it. `guest-image` gives it the files,
/// the agent reads the two lists:
///
/// - `/lib/modules/order`: one absolute path per line, to be loaded from top to bottom on every boot;
/// - `/lib/modules/later`: one feature per line, its name and after it, each behind a space, the absolute paths to load in
///   that order. Those in `order` are left out; features share modules, so that EEXIST is no failure, and neither is
///   ENODEV: a processor may lack what one of two checksum modules needs.
public struct Initrd: Sendable, Equatable {
    /// The root of pods' first container: nothing is in it but its program.
    public static let pauseRoot = "pause", pauseProgram = "pause/pause"
    /// Modules are stored here, unpacked, under the kernel's name for them: `virtio_rng.ko`.
    public static let moduleDirectory = "lib/modules"

    /// Text of `/lib/modules/order`.
    public let order: String
    /// Text of `/lib/modules/later`.
    public let later: String
    /// Paths as in `modules.dep` of all modules that go in, each once; `archive` wants them unpacked, in this order.
    public let modulePaths: [String]

    /// Looks up `selection` in the modules of a kernel.
    /// - Throws: what `ModuleDependencies.loadOrder` throws.
    public init(
        _ selection: ModuleSelection, in dependencies: ModuleDependencies
    ) throws(ModuleDependencyError) {
        let boot = try dependencies.loadOrder(of: selection.boot)
        var all = boot
        var lines = ""
        for feature in selection.later {
            let paths = try dependencies.loadOrder(of: feature.modules).filter { !boot.contains($0) }
            lines += ([feature.name] + paths.map { "/" + Self.location(of: $0) }).joined(separator: " ") + "\n"
            all += paths.filter { !all.contains($0) }
        }
        order = boot.map { "/" + Self.location(of: $0) + "\n" }.joined()
        later = lines
        modulePaths = all
    }

    /// The archive with `agent` as `/init`, and `pause` as the program of `pauseRoot`.
    /// - Parameter modules: contents of `modulePaths`, unpacked and in the same order.
    /// - Throws: what `CPIOArchive.append` throws; `.tooLarge` is the only one that its input can cause.
    public func archive(agent: [UInt8], pause: [UInt8], modules: [[UInt8]]) throws(CPIOError) -> CPIOArchive {
        precondition(modules.count == modulePaths.count, "\(modules.count) contents for \(modulePaths.count) modules")
        var archive = CPIOArchive()
        for directory in ["dev", "proc", "sys", "lib", Self.moduleDirectory, Self.pauseRoot] {
            try archive.append(.init(path: directory, permissions: 0o755, content: .directory))
        }
        // The kernel opens the console for /init before anything is mounted on /dev.
        let devices: [(path: String, permissions: UInt16, major: UInt32, minor: UInt32)] = [
            ("dev/console", 0o600, 5, 1), ("dev/null", 0o666, 1, 3),
        ]
        for device in devices {
            let content = CPIOArchive.Content.characterDevice(major: device.major, minor: device.minor)
            try archive.append(.init(path: device.path, permissions: device.permissions, content: content))
        }
        try archive.append(.init(path: "init", permissions: 0o755, content: .file(agent)))
        try archive.append(.init(path: Self.pauseProgram, permissions: 0o755, content: .file(pause)))
        for (name, text) in [("order", order), ("later", later)] {
            let path = Self.moduleDirectory + "/" + name
            try archive.append(.init(path: path, permissions: 0o644, content: .file(Array(text.utf8))))
        }
        for (path, bytes) in zip(modulePaths, modules) {
            try archive.append(.init(path: Self.location(of: path), permissions: 0o644, content: .file(bytes)))
        }
        return archive
    }

    /// Where the module at `path` of the package lies in the archive: under the kernel's name for it.
    static func location(of path: String) -> String {
        moduleDirectory + "/" + (ModuleDependencies.name(ofPath: path[...]) ?? path) + ".ko"
    }
}
