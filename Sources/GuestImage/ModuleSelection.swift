/// Which modules of the kernel go into the initrd. The one place where that is kept.
public struct ModuleSelection: Sendable, Equatable {
    /// Modules for one purpose, loaded when something first needs it.
    public struct Feature: Sendable, Equatable {
        /// What the agent asks for, without spaces.
        public let name: String
        /// Wanted modules in loading order, without those that they depend on.
        public let modules: [String]

        /// A feature is not judged until its modules are looked up.
        public init(name: String, modules: [String]) {
            self.name = name
            self.modules = modules
        }
    }

    /// Loaded on every boot before anything else, so each of these is paid for by every start.
    public let boot: [String]
    /// In the initrd, loaded on demand.
    public let later: [Feature]

    /// A selection is not judged until its modules are looked up.
    public init(boot: [String], later: [Feature]) {
        self.boot = boot
        self.later = later
    }

    /// What a pod needs of Debian's stock kernel (6.1 in Debian 12).
    public static let standard = ModuleSelection(
        boot: ["virtio_pci", "virtio_console", "virtio-rng", "9pnet_virtio", "9p", "overlay"],
        later: [
            Feature(name: "disk", modules: ["virtio_blk"]),
            Feature(name: "network", modules: ["virtio_net"]),
            Feature(name: "memory", modules: ["virtio_mem"]),
            Feature(name: "balloon", modules: ["virtio_balloon"]),
            // The checksum is looked up by name when the file system's modules start: no dependency that depmod sees.
            Feature(name: "erofs", modules: ["crc32c-intel", "crc32c_generic", "erofs"]),
            // /dev/fuse and /dev/net/tun, for containers that are given them.
            Feature(name: "fuse", modules: ["fuse"]),
            Feature(name: "tun", modules: ["tun"]),
            Feature(name: "ext4", modules: ["crc32c-intel", "crc32c_generic", "ext4"]),
        ])
}
