import Confinement
import EventLoop
import Testing

@testable import QEMU

@Suite struct MachineConfigurationTests {
    private let configuration = MachineConfiguration(
        accelerator: .tcg, kernel: "/var/lib/kernel image", initrd: "/var/lib/initrd", uid: 1234)

    private func value(of option: String, in arguments: [String]) -> [String] {
        zip(arguments, arguments.dropFirst()).filter { $0.0 == option }.map(\.1)
    }

    @Test func noHostPathIsInTheArguments() {
        #expect(!configuration.arguments.contains { $0.contains("/var/lib") })
    }

    @Test func nothingIsThereThatWasNotAskedFor() {
        #expect(
            configuration.arguments.starts(with: ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]))
        let sandbox = value(of: "-sandbox", in: configuration.arguments)
        #expect(sandbox == ["on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"])
        #expect(!configuration.arguments.contains("-netdev"))
    }

    @Test func aShareCostsCapabilitiesAndIsNamedByItsPlaceOnly() {
        var sharing = configuration
        sharing.share = "/run/pod/share"
        #expect(!sharing.arguments.contains { $0.contains("/run/pod") })
        #expect(value(of: "-fsdev", in: sharing.arguments).count == 1)
        let plan = sharing.confinement(root: "/run/x")
        #expect(plan.binds.filter { $0.access == .share } == [.init("/run/pod/share", at: "/share", .share)])
        #expect(plan.capabilities == 0x8000_001B)
        #expect(plan.environment == [])
    }

    @Test func theLibraryIsForAShare() {
        var sharing = configuration
        sharing.library = "/usr/lib/x.so"
        #expect(sharing.confinement(root: "/run/x").environment == [])
        sharing.share = "/run/pod/share"
        let plan = sharing.confinement(root: "/run/x")
        #expect(plan.environment == ["LD_PRELOAD=/special-files.so"])
        #expect(plan.binds.contains(.init("/usr/lib/x.so", at: "/special-files.so")))
    }

    @Test func sizeAndAcceleratorAreTaken() {
        var large = configuration
        large.memoryMiB = 1024
        large.vCPUs = 3
        large.accelerator = .kvm
        #expect(value(of: "-m", in: large.arguments) == ["1024M"])
        #expect(value(of: "-smp", in: large.arguments) == ["3"])
        #expect(value(of: "-accel", in: large.arguments) == ["kvm"])
        #expect(value(of: "-cpu", in: large.arguments) == ["host"])
    }

    @Test func theConfinementShowsWhatQEMUNeedsAndNoMore() {
        let plan = configuration.confinement(root: "/run/x")
        #expect(plan.uid == 1234)
        #expect(plan.capabilities == 0)
        #expect(
            plan.binds.map(\.target).sorted() == [
                "/boot/initrd", "/boot/vmlinux", "/usr/bin/qemu-system-x86_64", "/usr/lib/x86_64-linux-gnu",
                "/usr/lib64",
                "/usr/share/qemu", "/usr/share/seabios",
            ])
        var kvm = configuration
        kvm.accelerator = .kvm
        #expect(kvm.confinement(root: "/run/x").binds.filter { $0.access == .device }.map(\.source) == ["/dev/kvm"])
    }

    @Test(arguments: [(false, "mem-merge=off"), (true, "mem-merge=on")])
    func memoryIsMergedOnlyWhereThatIsWanted(_ wanted: Bool, _ text: String) {
        var configuration = configuration
        configuration.mergesMemory = wanted
        #expect(configuration.arguments.contains { $0.split(separator: ",").contains(text[...]) })
    }

    // MARK: Beginnings

    private func arguments(_ beginning: Beginning, share: Bool) -> [String] {
        var configuration = configuration
        configuration.beginning = beginning
        configuration.share = share ? "/run/pod/share" : nil
        return configuration.arguments
    }

    /// Or it would not be the same machine that goes on.
    @Test(arguments: [false, true]) func aCloneIsItsTemplateButForItsMemory(share: Bool) {
        let template = arguments(.template, share: share), clone = arguments(.clone, share: share)
        #expect(clone.suffix(2) == ["-incoming", "defer"])
        let pairs = zip(template, clone)
        #expect(clone.count == template.count + 2)
        let differing = pairs.filter { $0 != $1 }
        #expect(differing.count == 1)
        let memory = "memory-backend-file,id=ram,size=256M,mem-path=/proc/self/fd/6,share="
        #expect(differing.first?.0 == memory + "on")
        #expect(differing.first?.1 == memory + "off")
    }

    @Test(arguments: [false, true]) func aMachineThatBootsHasMemoryOfItsOwn(share: Bool) {
        let template = arguments(.template, share: share), boot = arguments(.boot, share: share)
        #expect(boot.count == template.count)
        let differing = zip(template, boot).filter { $0 != $1 }
        #expect(differing.map(\.1) == ["memory-backend-ram,id=ram,size=256M"])
    }

    @Test(arguments: Beginning.allCases) func whatIsGivenIsReachable(_ beginning: Beginning) {
        var configuration = configuration
        configuration.beginning = beginning
        #expect(configuration.confinement(root: "/run/x").showsItself == (beginning != .boot))
        let numbers = MachineConfiguration.Descriptor.allCases.map(\.rawValue)
        #expect(numbers == Array(0..<Int32(numbers.count)))
        #expect(MachineConfiguration.Descriptor.memory.rawValue == 6)
    }
}

@Suite struct TailBufferTests {
    @Test func keepsTheEnd() {
        var buffer = TailBuffer(capacity: 10)
        for number in 0..<1000 { buffer.append(Array("line \(number)\n".utf8)) }
        #expect(buffer.lines(5) == ["line 999"])
    }

    @Test func aHostileConsoleCannotReachTheTerminal() {
        var buffer = TailBuffer(capacity: 100)
        buffer.append(Array("\u{1b}[1;31mred\u{7}\r\nnext\tone".utf8) + [0xFF, 0x00])
        // What a firmware says first: reset, no line wrap, clear.
        buffer.append(Array("\r\n\u{1b}c\u{1b}[?7l\u{1b}[2J\u{1b}[0m\r\nend\u{1b}\n\u{1b}[12".utf8))
        #expect(buffer.lines(5) == ["red", "next\tone\u{FFFD}", "end"])
    }

    @Test func atMostSoManyLines() {
        var buffer = TailBuffer(capacity: 100)
        buffer.append(Array("a\n\nb\nc\n".utf8))
        #expect(buffer.lines(2) == ["b", "c"])
        buffer.append(Array("d\ne\nf\n".utf8))
        #expect(buffer.lines(3, landmark: "c") == ["b", "c", "d"])
        #expect(buffer.lines(3, landmark: "a") == ["a", "b", "c"])
        #expect(buffer.lines(3, landmark: "x") == ["d", "e", "f"])
    }
}
