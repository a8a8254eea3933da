import SeededRandom
import Testing
import YAML

@testable import Configuration

@Suite struct ConfigurationFileTests {
    private func parse(_ text: String) throws(ConfigurationError) -> ConfigurationFile {
        try ConfigurationFile(Array(text.utf8), name: "c.yaml")
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "~\n", "{}\n", "guest:\nlog: ~\nqemu: {}\n"])
    func whatIsNotSaidIsTheDefault(text: String) throws {
        #expect(try parse(text).configuration == Configuration())
        #expect(try parse(text).lines == [:])
    }

    @Test func everyKeyIsTaken() throws {
        let file = try parse(
            """
            accelerator: tcg
            root: "/srv/bulk head"
            state: /run/b
            qemu: {path: /opt/qemu, uids: 100000-100009, ksm: true}
            guest:
              kernel: /k
              initrd: /i
              memory: 2GiB
              vcpus: 4
            template: {enabled: false, directory: /t}
            spare: {count: 3, idle: 5s, reserve: 2GiB}
            container: {writable: 1TiB, seccomp: /etc/profile.json, annotations: [bulkhead.init, bulkhead.memory]}
            log: {size: 64KiB, files: 1}
            timeouts: {start: 1500ms, stop: 0s}
            debug: {shell: true}
            compat: openeuler
            """)
        var expected = Configuration()
        expected.accelerator = .tcg
        expected.root = "/srv/bulk head"
        expected.state = "/run/b"
        expected.qemu.path = "/opt/qemu"
        expected.qemu.uids = 100_000...100_009
        expected.qemu.ksm = true
        expected.guest.kernel = "/k"
        expected.guest.initrd = "/i"
        expected.guest.memoryBytes = 2 << 30
        expected.guest.vCPUs = 4
        (expected.template.enabled, expected.template.directory) = (false, "/t")
        (expected.spare.count, expected.spare.idle, expected.spare.reserveBytes) = (3, .seconds(5), 2 << 30)
        expected.container.writableBytes = 1 << 40
        expected.container.seccomp = .profile(path: "/etc/profile.json")
        expected.log.sizeBytes = 64 << 10
        expected.log.files = 1
        expected.timeouts.start = .milliseconds(1500)
        expected.timeouts.stop = .zero
        expected.container.annotations = ["bulkhead.init", "bulkhead.memory"]
        expected.debug.shell = true
        expected.compat = .openeuler
        #expect(file.configuration == expected)
        #expect(Set(file.lines.keys) == Set(Configuration.settings.map(\.path)))
        #expect(file.lines["guest.memory"] == 8)
        // No two keys set the same, and each differs from its default here.
        for setting in Configuration.settings {
            #expect(setting.text(expected) != setting.text(Configuration()), "\(setting.path)")
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let error: String
        init(_ text: String, _ error: String) { (self.text, self.error) = (text, error) }
        var testDescription: String { text.debugDescription }
    }

    @Test(arguments: [
        Row("log:\n  files: 3\nguest:\n    memory: 32MiB\n", "4:5: guest.memory: 32MiB is too small: at least 128MiB"),
        Row("guest: {memory: 2TiB}", "1:9: guest.memory: 2TiB is too large: at most 1TiB"),
        Row("guest: {memory: 99999999999999999999MiB}", "1:9: guest.memory: 99999999999999999999MiB is too large"),
        Row("guest: {memory: 18446744073709551615MiB}", "1:9: guest.memory: 18446744073709551615MiB is too large"),
        Row("guest: {memory: 134217729B}", "1:9: guest.memory: 134217729B is not a multiple of 1MiB"),
        Row(
            "guest: {memory: 256}",
            "1:9: guest.memory: 256 has no unit: write B, KiB, MiB, GiB or TiB behind it"),
        Row(
            "guest: {memory: 256M}",
            "1:9: guest.memory: 256M has an unknown unit: B, KiB, MiB, GiB and TiB are known"),
        Row(
            "guest: {memory: 256 MiB}",
            "1:9: guest.memory: \"256 MiB\" has an unknown unit: B, KiB, MiB, GiB and TiB are known"),
        Row(
            "guest: {memory: much}",
            "1:9: guest.memory: much is no size: write a number and B, KiB, MiB, GiB or TiB"),
        Row(
            "guest: {memory: -1MiB}",
            "1:9: guest.memory: -1MiB is no size: write a number and B, KiB, MiB, GiB or TiB"),
        Row(
            "guest: {memory: }",
            "1:9: guest.memory: an empty value is no size: write a number and B, KiB, MiB, GiB or TiB"),
        Row(
            "guest: {memory: [1MiB]}",
            "1:9: guest.memory: expected a single value: size, 128MiB to 1TiB, a multiple of 1MiB"),
        Row("guest: {vcpus: 0}", "1:9: guest.vcpus: 0 is too small: at least 1"),
        Row("guest: {vcpus: 65}", "1:9: guest.vcpus: 65 is too large: at most 64"),
        Row("guest: {vcpus: 18446744073709551615}", "1:9: guest.vcpus: 18446744073709551615 is too large: at most 64"),
        Row("guest: {vcpus: \"1\"}", "1:9: guest.vcpus: 1 is no number: write it without quotes"),
        Row("guest: {vcpus: 1.0}", "1:9: guest.vcpus: 1.0 is no number"),
        Row("guest: {vcpus: 0x1}", "1:9: guest.vcpus: 0x1 is no number"),
        Row("guest: {kernel: boot/vmlinux}", "1:9: guest.kernel: boot/vmlinux is no absolute path"),
        Row("compat: isula", "1:1: compat: isula is none of none, openeuler"),
        Row(
            "container: {annotations: [bulkhead.init, bulkhead.speed]}",
            "1:13: container.annotations: bulkhead.init,bulkhead.speed has bulkhead.speed, which is none of bulkhead.init, "
                + "bulkhead.groups, bulkhead.guest-devices, bulkhead.writable, bulkhead.memory, bulkhead.vcpus"),
        Row(
            "container: {annotations: [{a: b}]}",
            "1:13: container.annotations: expected a list of bulkhead.init, bulkhead.groups, "
                + "bulkhead.guest-devices, bulkhead.writable, bulkhead.memory, bulkhead.vcpus"),
        Row("accelerator: xen", "1:1: accelerator: xen is none of auto, kvm, tcg"),
        Row("accelerator: {kvm: 1}", "1:1: accelerator: expected a single value: auto, kvm, tcg"),
        Row("root: var", "1:1: root: var is no absolute path"),
        Row("root: /a/../b", "1:1: root: /a/../b has a component . or .."),
        Row("root: \"/a\\nb\"", "1:1: root: \"/a\\x0Ab\" has a control character"),
        Row("root: ~", "1:1: root: ~ is no absolute path"),
        Row(
            "state: /run/\(String(repeating: "x", count: 44))",
            "1:1: state: /run/\(String(repeating: "x", count: 44)) is longer than 48 bytes"),
        Row("root: /run/bulkhead", "1:1: state: /run/bulkhead is root's directory too: they must differ"),
        Row("qemu: {uids: 5}", "1:8: qemu.uids: 5 is no range: write FIRST-LAST, two numbers"),
        Row("qemu: {uids: -5}", "1:8: qemu.uids: -5 is no range: write FIRST-LAST, two numbers"),
        Row("qemu: {uids: 9-5}", "1:8: qemu.uids: 9-5 ends before it begins"),
        Row("qemu: {uids: 0-70000}", "1:8: qemu.uids: 0-70000 is not within 65536-2147483647"),
        Row("qemu: {uids: 70000-4294967295}", "1:8: qemu.uids: 70000-4294967295 is not within 65536-2147483647"),
        Row("qemu: {uids: 70000-2000000}", "1:8: qemu.uids: 70000-2000000 has more than 1048576 ids"),
        Row(
            "qemu: {uids: 70000-4294967296}",
            "1:8: qemu.uids: 70000-4294967296 is no range: write FIRST-LAST, two numbers"),
        Row(
            "container: {seccomp: none}",
            "1:13: container.seccomp: none is none of default, unconfined and an absolute path"),
        Row("debug: {shell: yes}", "1:9: debug.shell: yes is neither true nor false"),
        Row("debug: {shell: 'true'}", "1:9: debug.shell: true is no truth value: write it without quotes"),
        Row("timeouts: {start: 0s}", "1:12: timeouts.start: 0s is too small: at least 1s"),
        Row("timeouts: {start: 2h}", "1:12: timeouts.start: 2h is too large: at most 1h"),
        Row("timeouts: {start: 30}", "1:12: timeouts.start: 30 has no unit: write ms, s, m or h behind it"),
        Row("timeouts: {start: 18446744073709551615ms}", "1:12: timeouts.start: 18446744073709551615ms is too large"),
        Row("timeouts: {start: 1d}", "1:12: timeouts.start: 1d has an unknown unit: ms, s, m and h are known"),
        Row("acelerator: kvm", "1:1: unknown key \"acelerator\", did you mean accelerator?"),
        Row("memory: 1GiB", "1:1: unknown key \"memory\", did you mean guest.memory?"),
        Row("guest:\n  memroy: 1GiB\n", "2:3: unknown key \"guest.memroy\", did you mean guest.memory?"),
        Row("guest.memory: 1GiB", "1:1: unknown key \"guest.memory\": write memory in the section guest"),
        Row("logs: {size: 1MiB}", "1:1: unknown key \"logs\", did you mean log?"),
        Row("x: 1", "1:1: unknown key \"x\""),
        Row("\(String(repeating: "k", count: 90)): 1", "1:1: unknown key \"\(String(repeating: "k", count: 64))\"…"),
        Row("guest: 5", "1:1: guest: expected the keys of this section"),
        Row("guest: [memory]", "1:1: guest: expected the keys of this section"),
        Row("- guest", "1:1: expected keys and values, such as \"log: {files: 3}\""),
        Row("guest", "1:1: expected keys and values, such as \"log: {files: 3}\""),
        Row("root: /a\nroot: /b\n", "2:1: the key \"root\" occurs twice"),
        Row("root: /a\n---\nroot: /b\n", "2:1: more than one document"),
        Row("root: &a /a\n", "1:7: anchors are not supported"),
    ]) func refuses(_ row: Row) {
        let error = #expect(throws: ConfigurationError.self) { _ = try parse(row.text) }
        #expect(error?.description == "c.yaml:" + row.error)
    }

    @Test func allProblemsAreTold() {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try parse("root: x\nguest:\n  vcpus: no\n  nothing: 1\n")
        }
        #expect(
            error?.description == """
                c.yaml:1:1: root: x is no absolute path
                c.yaml:3:3: guest.vcpus: no is no number
                c.yaml:4:3: unknown key "guest.nothing"
                """)
        let many = (0..<25).map { "k\($0): 1\n" }.joined()
        let manyError = #expect(throws: ConfigurationError.self) { _ = try parse(many) }
        #expect(manyError?.description.split(separator: "\n").count == 21)
        #expect(manyError?.description.hasSuffix("\nc.yaml: 5 more problems") == true)
    }

    @Test func randomTextIsNoTrap() {
        var generator = SeededGenerator(seed: 5)
        var taken = 0
        let words = Configuration.settings.flatMap { [$0.name, $0.section ?? "x", $0.text(Configuration())] }
        let marks = [
            ": ", "\n", "\n  ", "{", "}", "[", "]", ", ", "-", "\"", "9999999999999999999999", "~", "é", "MiB", "0",
        ]
        for _ in 0..<3000 {
            let pieces = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
                let source = generator.next() % 2 == 0 ? words : marks
                return source[Int.random(in: source.indices, using: &generator)]
            }
            let text = pieces.joined()
            do throws(ConfigurationError) {
                // What was taken is within its limits, so what is printed of it is taken again.
                let file = try parse(text)
                let again = try parse(file.render())
                #expect(again.configuration == file.configuration, "\(text.debugDescription)")
                taken += 1
            } catch {
                #expect(!error.problems.isEmpty && error.file == "c.yaml")
            }
        }
        #expect(taken > 0)
    }
}
