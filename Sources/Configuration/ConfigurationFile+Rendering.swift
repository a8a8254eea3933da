extension ConfigurationFile {
    /// What `bulkhead config` prints: every key with its value and where that comes from. Valid YAML that is read as
    /// the same configuration.
    public func render() -> String {
        let file = name.map(Self.comment)
        let lines = configuration.yamlLines { setting in
            if let option = self.options[setting.path] { return "  # \(option)" }
            guard let file, let line = self.lines[setting.path] else { return "  # default" }
            return "  # \(file):\(line)"
        }
        return (["# " + (file ?? (self.options.isEmpty ? "no file, all defaults" : "no file"))] + lines).joined(
            separator: "\n") + "\n"
    }

    /// A file's name may have any character, a comment must not end amid it.
    private static func comment(_ name: String) -> String {
        String(name.unicodeScalars.map { (" "..."~").contains($0) ? Character($0) : "?" })
    }
}

extension Configuration {
    /// Every key with its value and what `suffix` adds to the line.
    func yamlLines(_ suffix: (Setting) -> String) -> [String] {
        var lines: [String] = []
        var section: String?
        for setting in Self.settings {
            if let newSection = setting.section, newSection != section { lines.append("\(newSection):") }
            section = setting.section
            let indentation = section == nil ? "" : "  "
            lines.append("\(indentation)\(setting.name): \(setting.text(self))\(suffix(setting))")
        }
        return lines
    }

    /// docs/configuration.md, which a test compares with this.
    public static func markdown() -> String {
        var lines = [
            "# Configuration",
            "",
            "Printed from `Configuration.settings`; change that and run",
            "`BULKHEAD_REGENERATE=1 scripts/run-tests --filter ConfigurationTests`.",
            "",
            "`\(defaultPath)` is YAML. Every key may be missing, and so may the file; one that the variable",
            "`BULKHEAD_CONFIG` names instead must be there. The options `--root` and `--state-dir` win over `root` and",
            "`state`, and `bulkhead config` shows what is in force and where it comes from. A key that is not known is",
            "an error with its line and column, and so is a value that is not allowed. A size is a whole number with",
            "`B`, `KiB`, `MiB`, `GiB` or `TiB` behind it, a duration one with `ms`, `s`, `m` or `h`, without a space.",
            "",
            "| key | value | default | what it is |",
            "|---|---|---|---|",
        ]
        for setting in settings {
            let standard = setting.text(Configuration())
            lines.append("| `\(setting.path)` | \(setting.format) | `\(standard)` | \(setting.remark) |")
        }
        lines += ["", "A file that sets everything to its default:", "", "```yaml"]
        lines += Configuration().yamlLines { _ in "" }
        return (lines + ["```"]).joined(separator: "\n") + "\n"
    }
}
