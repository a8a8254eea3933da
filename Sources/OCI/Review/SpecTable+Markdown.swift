extension SpecTable {
    /// docs/conformance.md, which a test compares with this.
    public static func markdown() -> String {
        var lines = [
            "# Conformance with the OCI runtime specification",
            "",
            "Printed from `SpecTable` and `MountOptions.table`; change those and run",
            "`BULKHEAD_REGENERATE=1 swift test --filter OCITests`.",
            "",
            "*Applied*: done in the guest as the specification says. *Applied on the host*: done by bulkhead-runtime.",
            "*Refused*: an error that names the field, its value and the reason. *Met by the VM*: accepted and noted once,",
            "since nothing needs to be done in a VM. A field that is `null`, `false`, `0`, `\"\"`, `[]` or `{}` asks for",
            "nothing and is accepted whatever its class. A field that is not listed is ignored with a note. `[]` stands for",
            "any element, `*` for any name; a line covers everything below its field that has no line of its own.",
            "",
            "## Fields of config.json",
            "",
            "| field | class | remark |",
            "|---|---|---|",
        ]
        for entry in entries {
            lines.append("| `\(entry.path)` | \(entry.treatment.name) | \(remark(on: entry)) |")
        }
        lines += [
            "", "## Namespaces that are not listed", "", "| `linux.namespaces` lacks | class | remark |",
            "|---|---|---|",
        ]
        for absence in absences {
            lines.append(
                "| `\(absence.namespace.rawValue)` | \(absence.treatment.name) | \(absence.treatment.reason ?? "") |")
        }
        lines += ["", "A type that is listed twice is refused.", "", "## Devices", ""]
        lines += [
            "What `linux.devices` names by these numbers is made, at any path below /dev; FIFOs are as well. Any other is",
            "refused: \(noDevice). Where `linux.resources.devices` allows all devices, as for privileged",
            "containers, /dev has those of the VM, and what the host has besides is left out.", "",
            "| device | major | minor |", "|---|---|---|",
        ]
        lines += devices.map { "| `\($0.path)` | \($0.major) | \($0.minor) |" }
        lines += ["", "## Annotations", ""]
        lines += [
            "What the specification has no field for is asked for by these. Others are kept, and ask for nothing.", "",
            "| annotation | value | meaning |", "|---|---|---|",
        ]
        lines += SpecAnnotation.allCases.map { "| `\($0.rawValue)` | \($0.values) | \($0.meaning) |" }
        lines += ["", "## Mount options", ""]
        lines += [
            "What is not listed is given to the file system, and refused for a bind.", "",
            "| option | class | remark |", "|---|---|---|",
        ]
        for option in MountOptions.table {
            let (name, remark) = option.meaning.description
            lines.append("| `\(option.name)` | \(name) | \(remark) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func remark(on entry: Entry) -> String {
        var remarks = entry.treatment.reason.map { [$0] } ?? []
        for exception in entry.exceptions {
            let condition =
                switch exception.when {
                case .isOneOf(let texts): texts.map { "`\($0)`" }.joined(separator: ", ")
                case .hasOneOf(let texts): "with " + texts.map { "`\($0)`" }.joined(separator: " or ")
                case .isNotVersion1: "other than `1.*`"
                }
            remarks.append("\(condition): \(exception.treatment.name): \(exception.treatment.reason ?? "")")
        }
        return remarks.joined(separator: "; ")
    }
}

extension SpecTable.Treatment {
    var name: String {
        switch self {
        case .applied: "applied"
        case .onHost: "applied on the host"
        case .refused: "refused"
        case .metByVM: "met by the VM"
        }
    }

    var reason: String? {
        switch self {
        case .applied: nil
        case .onHost(let reason), .refused(let reason), .metByVM(let reason): reason
        }
    }
}
