import Glibc
import Linux
import SeededRandom
import Testing
import YAML

@testable import Configuration

@Suite struct SettingsTests {
    @Test func pathsAreUniqueAndSectionsTogether() {
        let paths = Configuration.settings.map(\.path)
        #expect(Set(paths).count == paths.count)
        let sections = Configuration.settings.map { $0.section ?? "" }
        let changes = zip(sections, sections.dropFirst()).filter { $0 != $1 }.count
        #expect(changes == Set(sections).count - 1)
        #expect(Configuration.settings.allSatisfy { $0.path.split(separator: ".").count <= 2 })
    }

    /// Every default is a value that the file may have.
    @Test func defaultsAreAllowed() throws {
        let text = Configuration().yamlLines { _ in "" }.joined(separator: "\n")
        let file = try ConfigurationFile(Array(text.utf8), name: "defaults")
        #expect(file.configuration == Configuration())
        #expect(file.lines.count == Configuration.settings.count)
    }

    @Test func renderTellsWhereValuesComeFrom() throws {
        let file = try ConfigurationFile(
            Array("guest:\n  memory: 1024MiB\naccelerator: tcg\n".utf8), name: "/etc/bulkhead/config.yaml")
        let text = file.render()
        let lines = text.split(separator: "\n")
        #expect(lines.contains("accelerator: tcg  # /etc/bulkhead/config.yaml:3"))
        #expect(lines.contains("  memory: 1GiB  # /etc/bulkhead/config.yaml:2"))
        #expect(lines.contains("  vcpus: 1  # default"))
        #expect(lines.contains("  kernel: null  # default"))
        #expect(ConfigurationFile().render().hasPrefix("# no file, all defaults\naccelerator: auto  # default\n"))
    }

    @Test func optionsWinAndAreTold() throws {
        var file = try ConfigurationFile(Array("root: /one\nstate: /two\n".utf8), name: "/config.yaml")
        try file.set("root", to: "/three", by: "--root")
        try file.checkTogether()
        #expect(file.configuration.root == "/three")
        let lines = file.render().split(separator: "\n")
        #expect(lines.contains("root: /three  # --root"))
        #expect(lines.contains("state: /two  # /config.yaml:2"))
        try file.set("state", to: "/three", by: "--state-dir")
        let error = #expect(throws: OptionProblem.self) { try file.checkTogether() }
        #expect(error?.description == "--state-dir: /three: root and state must differ")
        var defaults = ConfigurationFile()
        try defaults.set("root", to: "/x", by: "--root")
        #expect(defaults.render().hasPrefix("# no file\naccelerator: auto  # default\nroot: /x  # --root\n"))
    }

    /// As the file's: an option is no way around them.
    @Test(arguments: [
        ("root", "", "--root: an empty value is no absolute path"),
        ("root", "var/lib", "--root: var/lib is no absolute path"),
        ("root", "/a\u{0}b", "--root: \"/a\\x00b\" has a control character"),
        ("root", "/a/../b", "--root: /a/../b has a component . or .."),
        ("state", "/" + String(repeating: "x", count: 48), "is longer than 48 bytes"),
    ]) func optionsAreChecked(_ key: String, _ text: String, _ message: String) {
        var file = ConfigurationFile()
        let error = #expect(throws: OptionProblem.self) { try file.set(key, to: text, by: "--" + key) }
        #expect(error?.description.hasSuffix(message) == true, "\(String(describing: error))")
        #expect(file == ConfigurationFile())
    }

    /// Any value that can be set is printed so that it is read as the same, whatever the file is called.
    @Test func whatIsRenderedIsReadBack() throws {
        var generator = SeededGenerator(seed: 6)
        let letters = Array("ab/-_. \"'\\#:{}[]&*!%@`é\u{2028}\u{85}\u{1F600}~".unicodeScalars)
        func path(_ count: Int) -> String {
            var text = "/"
            for _ in 0..<Int.random(in: 0...count, using: &generator) {
                text.unicodeScalars.append(letters[Int.random(in: letters.indices, using: &generator)])
            }
            return text.split(separator: "/").contains { $0 == "." || $0 == ".." } ? "/x" : text
        }
        for round in 0..<500 {
            var configuration = Configuration()
            configuration.accelerator = .allCases[round % 3]
            configuration.root = path(30)
            configuration.state = path(9)
            if configuration.root == configuration.state { continue }
            configuration.qemu.path = path(30)
            let first = UInt32.random(in: Configuration.Limits.uids, using: &generator)
            let last = first &+ UInt32.random(in: 0..<Configuration.Limits.uidCount, using: &generator)
            if last <= Configuration.Limits.uids.upperBound { configuration.qemu.uids = first...last }
            configuration.guest.kernel = round % 2 == 0 ? nil : path(20)
            configuration.guest.memoryBytes = UInt64.random(in: 64...1 << 20, using: &generator) << 20
            configuration.container.writableBytes = UInt64.random(in: 1 << 20...1 << 40, using: &generator)
            configuration.container.seccomp = [.default, .unconfined, .profile(path: path(9))][round / 3 % 3]
            configuration.debug.shell = round % 2 == 1
            configuration.timeouts.start = .milliseconds(Int64.random(in: 1000...3_600_000, using: &generator))
            let text = configuration.yamlLines { _ in "" }.joined(separator: "\n")
            let file = try ConfigurationFile(Array(text.utf8), name: path(9) + "\n\r\u{2028}evil: 1")
            #expect(file.configuration == configuration)
            let printed = try ConfigurationFile(Array(file.render().utf8), name: "printed")
            #expect(printed.configuration == configuration)
        }
    }

    @Test(
        arguments: [
            ("0B", 0, "0B"), ("1B", 1, "1B"), ("1024B", 1024, "1KiB"), ("1536MiB", 1536 << 20, "1536MiB"),
            ("2048GiB", 2 << 40, "2TiB"), ("007KiB", 7168, "7KiB"),
            ("18446744073709551615B", UInt64.max, "18446744073709551615B"),
        ] as [(String, UInt64, String)]) func sizes(text: String, bytes: UInt64, canonical: String) throws
    {
        #expect(try SizeText.parse(text) == bytes)
        #expect(SizeText.text(bytes) == canonical)
    }

    @Test(arguments: [
        ("0s", Duration.zero, "0s"), ("1500ms", .milliseconds(1500), "1500ms"), ("90s", .seconds(90), "90s"),
        ("120s", .seconds(120), "2m"), ("60m", .seconds(3600), "1h"),
        ("277777777h", .seconds(999_999_997_200), "277777777h"),
    ]) func durations(text: String, duration: Duration, canonical: String) throws {
        #expect(try DurationText.parse(text) == duration)
        #expect(DurationText.text(duration) == canonical)
    }

    @Test(arguments: [
        "", "B", "MiB", " 1MiB", "1 MiB", "1mib", "1MB", "1.5GiB", "-1B", "+1B", "0x1B", "1MiB ", "1e3B", "١B",
        "18446744073709551616B", "16777216TiB",
    ]) func noSizes(text: String) {
        #expect(throws: ValueProblem.self) { _ = try SizeText.parse(text) }
    }

    @Test(arguments: ["", "s", "1", "1 s", "1S", "1.5s", "-1s", "1h30m", "1000000000001s", "18446744073709551615h"])
    func noDurations(text: String) {
        #expect(throws: ValueProblem.self) { _ = try DurationText.parse(text) }
    }

    @Test func pageIsPrintedFromTheTable() throws {
        var repository = #filePath
        for _ in 0..<3 { repository = Files.parent(of: repository) ?? "/" }
        let page = repository + "/docs/configuration.md"
        if getenv("BULKHEAD_REGENERATE") != nil {
            try Files.write(Array(Configuration.markdown().utf8), to: page, mode: 0o644)
        }
        #expect(
            try Files.readText(page) == Configuration.markdown(),
            "run: BULKHEAD_REGENERATE=1 scripts/run-tests --filter ConfigurationTests")
    }
}
