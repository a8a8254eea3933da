import Testing

@testable import GuestImage

@Suite struct InitrdTests {
    static let selection = ModuleSelection(
        boot: ["virtio-rng"],
        later: [.init(name: "disk", modules: ["virtio_blk"]), .init(name: "ext4", modules: ["crc", "ext4"])])
    static let text = """
        d/virtio.ko:
        d/virtio-rng.ko: d/virtio.ko
        d/virtio_blk.ko.xz: d/virtio.ko
        f/ext4.ko: d/virtio_blk.ko.xz f/crc.ko
        f/crc.ko:

        """

    static func initrd() throws -> Initrd {
        try Initrd(selection, in: ModuleDependencies(dependencies: Array(text.utf8), builtIn: []))
    }

    @Test func listsNameWhatToLoadInOrder() throws {
        let initrd = try Self.initrd()
        #expect(initrd.order == "/lib/modules/virtio.ko\n/lib/modules/virtio_rng.ko\n")
        #expect(
            initrd.later == """
                disk /lib/modules/virtio_blk.ko
                ext4 /lib/modules/crc.ko /lib/modules/virtio_blk.ko /lib/modules/ext4.ko

                """)
        #expect(
            initrd.modulePaths == ["d/virtio.ko", "d/virtio-rng.ko", "d/virtio_blk.ko.xz", "f/crc.ko", "f/ext4.ko"])
    }

    @Test func archiveHoldsAgentListsAndModules() throws {
        let initrd = try Self.initrd()
        let modules = initrd.modulePaths.map { Array("module \($0)".utf8) }
        let archive = try initrd.archive(agent: [1, 2, 3], pause: [4], modules: modules)
        let entries = Dictionary(uniqueKeysWithValues: archive.entries.map { ($0.path, $0) })
        #expect(entries["init"] == .init(path: "init", permissions: 0o755, content: .file([1, 2, 3])))
        #expect(entries["pause/pause"] == .init(path: "pause/pause", permissions: 0o755, content: .file([4])))
        #expect(entries["dev/console"]?.content == .characterDevice(major: 5, minor: 1))
        #expect(entries["dev/null"]?.content == .characterDevice(major: 1, minor: 3))
        #expect(entries["lib/modules/order"]?.content == .file(Array(initrd.order.utf8)))
        #expect(entries["lib/modules/later"]?.content == .file(Array(initrd.later.utf8)))
        #expect(entries["lib/modules/virtio_blk.ko"]?.content == .file(modules[2]))
        #expect(archive.entries.count == 6 + 2 + 2 + 2 + 5)
        for line in initrd.order.split(separator: "\n") { #expect(entries[String(line.dropFirst())] != nil) }
    }

    @Test func unknownModuleIsNamed() throws {
        let dependencies = try ModuleDependencies(dependencies: Array(Self.text.utf8), builtIn: [])
        #expect(throws: ModuleDependencyError.unknownModule("virtio_pci")) {
            try Initrd(.standard, in: dependencies)
        }
    }
}
