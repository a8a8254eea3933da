import SeededRandom
import Testing

@testable import GuestImage

@Suite struct ModuleDependenciesTests {
    /// Lines as depmod writes them for Debian's 6.1.
    static let text = """
        kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
        kernel/drivers/virtio/virtio_ring.ko:
        kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_pci_legacy_dev.ko \
        kernel/drivers/virtio/virtio_pci_modern_dev.ko kernel/drivers/virtio/virtio.ko \
        kernel/drivers/virtio/virtio_ring.ko
        kernel/drivers/virtio/virtio_pci_legacy_dev.ko:
        kernel/drivers/virtio/virtio_pci_modern_dev.ko:
        kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
        kernel/fs/overlayfs/overlay.ko.xz:
        a.ko: b.ko
        b.ko: c.ko
        c.ko: a.ko
        self.ko: self.ko
        dangling.ko: kernel/gone.ko

        """
    static let builtIn = "kernel/lib/crc32c-generic.ko\nkernel/fs/ramfs.ko\n"

    static func parsed(_ text: String = text, builtIn: String = builtIn) throws(ModuleDependencyError)
        -> ModuleDependencies
    {
        try ModuleDependencies(dependencies: Array(text.utf8), builtIn: Array(builtIn.utf8))
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var wanted: [String], order: [String]
        var testDescription: String { "\(wanted)" }
    }

    static let pci = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"]
        .map { "kernel/drivers/virtio/\($0).ko" }
    static let rng = "kernel/drivers/char/hw_random/virtio-rng.ko"

    @Test(arguments: [
        Row(wanted: [], order: []),
        Row(wanted: ["virtio_pci"], order: pci),
        Row(wanted: ["virtio-pci", "virtio_rng"], order: pci + [rng]),
        Row(wanted: ["virtio-rng", "virtio_pci"], order: [pci[0], pci[1], rng, pci[2], pci[3], pci[4]]),
        Row(wanted: ["virtio_rng", "virtio-rng", "virtio"], order: [pci[0], pci[1], rng]),
        Row(wanted: ["crc32c_generic", "ramfs", "overlay"], order: ["kernel/fs/overlayfs/overlay.ko.xz"]),
    ]) func dependenciesComeFirst(_ row: Row) throws {
        #expect(try Self.parsed().loadOrder(of: row.wanted) == row.order)
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        var wanted: String, error: ModuleDependencyError
        var testDescription: String { wanted }
    }

    @Test(arguments: [
        Failure(wanted: "virtio_gpu", error: .unknownModule("virtio_gpu")),
        Failure(wanted: "", error: .unknownModule("")),
        Failure(wanted: "a", error: .cycle(through: "a")),
        Failure(wanted: "self", error: .cycle(through: "self")),
        Failure(wanted: "dangling", error: .missingDependency(of: "dangling", path: "kernel/gone.ko")),
    ]) func whatCannotBeLoadedIsNamed(_ row: Failure) throws {
        let modules = try Self.parsed()
        #expect(throws: row.error) { try modules.loadOrder(of: ["overlay", row.wanted]) }
    }

    struct Malformation: Sendable, CustomTestStringConvertible {
        var dependencies: String = "", builtIn: String = ""
        var error: ModuleDependencyError
        var testDescription: String { "\(error)" }
    }

    @Test(arguments: [
        Malformation(dependencies: "a.ko:\nb.ko\n", error: .malformedLine(file: "modules.dep", number: 2)),
        Malformation(dependencies: "a.txt:\n", error: .malformedLine(file: "modules.dep", number: 1)),
        Malformation(dependencies: "fs/.ko:\n", error: .malformedLine(file: "modules.dep", number: 1)),
        Malformation(dependencies: "x/a-b.ko:\ny/a_b.ko:\n", error: .duplicateModule("a_b")),
        Malformation(builtIn: "\nfoo\n", error: .malformedLine(file: "modules.builtin", number: 2)),
    ]) func malformedTextIsRefused(_ row: Malformation) {
        #expect(throws: row.error) { try Self.parsed(row.dependencies, builtIn: row.builtIn) }
    }

    @Test func limitsAreKept() {
        #expect(throws: ModuleDependencyError.notText(file: "modules.dep")) {
            try ModuleDependencies(dependencies: [0xFF, 0x0A], builtIn: [])
        }
        #expect(throws: ModuleDependencyError.tooLarge(file: "modules.builtin")) {
            let bytes = [UInt8](repeating: 0x0A, count: ModuleDependencies.maximumTextBytes + 1)
            _ = try ModuleDependencies(dependencies: [], builtIn: bytes)
        }
    }

    @Test func longChainsDoNotExhaustTheStack() throws {
        let count = 20_000
        let lines = (0..<count).map { "\($0).ko:" + ($0 + 1 < count ? " \($0 + 1).ko" : "") }
        let order = try Self.parsed(lines.joined(separator: "\n")).loadOrder(of: ["0"])
        #expect(order == (0..<count).reversed().map { "\($0).ko" })
    }

    @Test func damagedTextNeverTraps() {
        var random = SeededGenerator(seed: 2)
        let bytes = Array(Self.text.utf8)
        var accepted = 0
        for _ in 0..<1000 {
            // Both outcomes are right for a damaged file; what is tested is that there is one.
            guard let modules = try? ModuleDependencies(dependencies: random.damaged(bytes), builtIn: []) else {
                continue
            }
            accepted += 1
            _ = try? modules.loadOrder(of: ["virtio_pci", "virtio-rng", "a"])
        }
        #expect(accepted > 100)
    }
}
