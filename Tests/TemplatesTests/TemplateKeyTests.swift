import Glibc
import Linux
import QEMU
import Testing

@testable import Templates

@Suite struct TemplateKeyTests {
    private typealias Input = TemplateKey.Input

    @Test func anIDIsTheSameTomorrow() {
        // As another program computes XXH3, of nothing and of both with their NULs.
        #expect(TemplateKey([]).id == "99aa06d3014798d86001c324468d497f")
        let key = TemplateKey([Input("format", "1"), Input("name", "a")])
        #expect(key.id == "42fcd6232922218237ecf11f11fa073b")
    }

    @Test func anyChangeMakesAnotherID() {
        let keys = [
            [], [Input("", "")], [Input("a", "")], [Input("", "a")], [Input("a", "b")], [Input("ab", "")],
            [Input("", "ab")], [Input("a", "b"), Input("c", "d")], [Input("c", "d"), Input("a", "b")],
            [Input("a", "d"), Input("c", "b")], [Input("ab", "c"), Input("", "d")], [Input("a", "bc"), Input("d", "")],
            [Input("a", "b"), Input("c", "d"), Input("", "")], [Input("a", "b"), Input("c", "D")],
            [Input("a", "é")], [Input("a", "e\u{301}")], [Input("a", "b "), Input("c", "d")],
        ].map { TemplateKey($0) }
        #expect(Set(keys.map(\.id)).count == keys.count)
        #expect(keys.allSatisfy { TemplateStore.isID($0.id) })
    }

    @Test func inputsAreFoundByName() {
        let key = TemplateKey([Input("kernel", "a"), Input("initrd", "b"), Input("kernel", "c")])
        #expect(key["kernel"] == "a")
        #expect(key["initrd"] == "b")
        #expect(key["emulator"] == "")
    }

    // MARK: Of a machine

    private func machine(in path: String) throws -> MachineConfiguration {
        for name in ["emulator", "kernel", "initrd"] { try Files.write(Array(name.utf8), to: path + "/" + name) }
        var machine = MachineConfiguration(
            accelerator: .tcg, kernel: path + "/kernel", initrd: path + "/initrd", uid: 1234)
        machine.emulator = path + "/emulator"
        machine.share = path + "/share"
        return machine
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// What the key of the changed machine differs by.
        let inputs: [String]
        let change: @Sendable (inout MachineConfiguration) throws -> Void

        init(
            _ description: String, _ inputs: String...,
            change: @escaping @Sendable (inout MachineConfiguration) throws -> Void
        ) {
            (testDescription, self.inputs, self.change) = (description, inputs, change)
        }
    }

    @Test(arguments: [
        Change("user") { $0.uid = 4321 },
        Change("place of the share") { $0.share = "/elsewhere" },
        Change("clone") { $0.beginning = .clone },
        Change("template") { $0.beginning = .template },
        Change("accelerator", "accelerator", "arguments") { $0.accelerator = .kvm },
        Change("memory", "arguments") { $0.memoryMiB += 1 },
        Change("processors", "arguments") { $0.vCPUs += 1 },
        Change("no share", "arguments") { $0.share = nil },
        Change("parameter", "arguments") { $0.kernelParameters = ["loglevel=7"] },
        Change("kernel written again", "kernel") { try replace($0.kernel) },
        Change("initrd written again", "initrd") { try replace($0.initrd) },
        Change("emulator written again", "emulator") { try replace($0.emulator) },
        Change("another kernel", "kernel") { machine in
            try Files.write(Array("kernel".utf8), to: machine.kernel + "-2")
            machine.kernel += "-2"
        },
    ]) func whatAMachineBeginsWithCounts(_ change: Change) throws {
        try inDirectory { path in
            var machine = try machine(in: path)
            let before = try TemplateKey(machine)
            #expect(try TemplateKey(machine) == before)
            let names = before.inputs.map(\.name)
            #expect(Set(names).count == names.count)
            try change.change(&machine)
            let after = try TemplateKey(machine)
            let changed = names.filter { before[$0] != after[$0] }
            #expect(changed == change.inputs)
            #expect((after.id == before.id) == changed.isEmpty)
        }
    }

    @Test(arguments: ["emulator", "kernel", "initrd"]) func allOfItsFilesMustBeThere(_ name: String) throws {
        try inDirectory { path in
            let machine = try machine(in: path)
            try Files.remove(path + "/" + name)
            let error = #expect(throws: SystemCallError.self) { _ = try TemplateKey(machine) }
            #expect(error?.code == ENOENT && error?.subject == path + "/" + name)
        }
    }

    @Test func theHostCounts() throws {
        try inDirectory { path in
            let key = try TemplateKey(try machine(in: path))
            #expect(key["format"] == "\(TemplateHeader.format)")
            let release = try Files.readText("/proc/sys/kernel/osrelease").filter { !$0.isNewline }
            #expect(key["host kernel"].hasPrefix(release + " ") && !key["host kernel"].contains("\n"))
            #expect(!key["processor"].isEmpty && !key["processor"].contains("\n"))
        }
    }

    // MARK: Of a file

    @Test func aFileThatNobodyTouchedIsTheSame() throws {
        try inDirectory { path in
            try Files.write([1], to: path + "/file")
            let before = try TemplateKey.identity(of: path + "/file")
            _ = try Files.read(path + "/file")
            #expect(try TemplateKey.identity(of: path + "/file") == before)
            #expect(before.hasPrefix(path + "/file ") && before.contains(" 1 bytes "))
        }
    }

    @Test(
        arguments: [
            ("overwritten", { try overwrite($0, at: 0, [9]) }),
            ("longer", { try overwrite($0, at: 3, [9]) }),
            ("touched", { path in #expect(utimes(path, nil) == 0) }),
            ("another of the same content", replace),
            (
                "overwritten, and its time set back",
                { path in
                    let before = try Files.status(path).modified
                    try overwrite(path, at: 0, [9])
                    try setModified(path, before)
                    #expect(try Files.status(path).modified == before)
                }
            ),
        ] as [(String, @Sendable (String) throws -> Void)])
    func aFileThatHasChangedIsAnother(_ what: String, _ change: @Sendable (String) throws -> Void) throws {
        try inDirectory { path in
            let file = path + "/file", link = path + "/link"
            try Files.write([1, 2, 3], to: file)
            // Whatever the clock of the file system: what changes it now has another time.
            try setModified(file, FileTime(seconds: 1_000_000, nanoseconds: 5))
            try Files.symlink(file, at: link)
            let before = try TemplateKey.identity(of: file), linked = try TemplateKey.identity(of: link)
            try waitForTick(in: path, past: try Files.status(file).changed)
            try change(file)
            #expect(try TemplateKey.identity(of: file) != before)
            #expect(try TemplateKey.identity(of: link) != linked, "through a link")
        }
    }

    @Test func aLinkThatLeadsElsewhereIsAnother() throws {
        try inDirectory { path in
            for name in ["a", "b"] { try Files.write([1], to: path + "/" + name) }
            try Files.symlink("a", at: path + "/link")
            let before = try TemplateKey.identity(of: path + "/link")
            try Files.remove(path + "/link")
            try Files.symlink("b", at: path + "/link")
            #expect(try TemplateKey.identity(of: path + "/link") != before)
        }
    }

    // MARK: Of a processor

    /// The first processor of a virtual machine on Intel, flags left out, and the beginning of its second.
    private static let intel = """
        processor\t: 0
        vendor_id\t: GenuineIntel
        cpu family\t: 6
        model\t\t: 207
        model name\t: Intel(R) Xeon(R) Processor
        stepping\t: 2
        microcode\t: 0x1
        cpu MHz\t\t: 2100.000
        cache size\t: 307200 KB
        physical id\t: 0
        siblings\t: 2
        core id\t\t: 0
        cpu cores\t: 2
        apicid\t\t: 0
        initial apicid\t: 0
        fpu\t\t: yes
        fpu_exception\t: yes
        cpuid level\t: 32
        wp\t\t: yes
        flags\t\t: fpu vme de pse tsc msr pae
        bugs\t\t: spectre_v1 spectre_v2 spec_store_bypass
        bogomips\t: 4200.00
        clflush size\t: 64
        cache_alignment\t: 64
        address sizes\t: 46 bits physical, 57 bits virtual
        power management:

        processor\t: 1
        vendor_id\t: AnotherVendor

        """
    /// Of an AMD, with the colon in its name that nothing forbids.
    private static let amd = """
        processor\t: 0
        vendor_id\t: AuthenticAMD
        cpu family\t: 25
        model\t\t: 33
        model name\t: AMD Ryzen 9: 5950X 16-Core Processor   \u{20}
        stepping\t: 0
        microcode\t: 0xa201016
        cpu MHz\t\t: 2200.000
        flags\t\t: fpu vme  de
        bugs\t\t:
        """
    private static let intelProcessor =
        "GenuineIntel, 6, 207, Intel(R) Xeon(R) Processor, 2, 0x1, fpu vme de pse tsc msr pae"

    @Test(arguments: [
        (intel, intelProcessor),
        // What changes from one moment to the next.
        (intel.replacing("2100.000", with: "3400.123"), intelProcessor),
        (intel.replacing("4200.00", with: "4199.98"), intelProcessor),
        (intel.replacing("0x1\n", with: "0x2\n"), intelProcessor.replacing("0x1", with: "0x2")),
        (intel.replacing(" pae\n", with: " pae avx512\n"), intelProcessor + " avx512"),
        (amd, "AuthenticAMD, 25, 33, AMD Ryzen 9: 5950X 16-Core Processor, 0, 0xa201016, fpu vme de"),
        // Odd ones.
        ("", ""), ("\n", ""), ("\n" + intel, ""), (":", ""), (": 6", ""), ("model", ""), ("model:", ""),
        ("model:6", "6"), ("  model \t : \t 6 ", "6"), ("model : 6\nmodel : 7", "6, 7"), ("models : 6", ""),
        ("flags : a\tb\u{A0}c", "a b c"), ("BogoMIPS\t: 50.00\nCPU implementer\t: 0x41", ""),
        ("model name : \u{0}\u{FFFD}", "\u{0}\u{FFFD}"),
    ]) func aProcessorIsWhatItSaysOfItself(_ text: String, _ expected: String) {
        #expect(TemplateKey.processor(in: text) == expected)
    }
}

/// Puts another file with the same content in its place.
@Sendable private func replace(_ path: String) throws {
    try Files.replace(path, with: try Files.read(path))
}

private func setModified(_ path: String, _ time: FileTime) throws {
    try Files.setModified(try Files.open(path, .readWrite), time)
}

/// Until a change has another time than that one.
private func waitForTick(in path: String, past time: FileTime) throws {
    repeat {
        try Files.replace(path + "/clock", with: [])
    } while try Files.status(path + "/clock").changed == time
}
