import AgentAPI
import OCI

extension ContainerTranslation {
    /// Bits of a mode that say what a file is. Source: inode(7).
    private static let fileTypeBits: UInt32 = 0o170000
    /// 12 bits. Source: include/linux/kdev_t.h.
    static let maximumMajor: UInt32 = 0xFFF
    /// 20 bits. Source: include/linux/kdev_t.h.
    static let maximumMinor: UInt32 = 0xF_FFFF

    /// Without what no VM has: the review has refused it, or every device was wanted that there is.
    static func devices(_ devices: [RuntimeSpec.Device]) throws(TranslationError) -> [DeviceSpec] {
        var result: [DeviceSpec] = []
        for (index, device) in devices.enumerated() {
            let made = try self.device(device, "linux.devices[\(index)]")
            guard made.kind == "p" || SpecTable.hasDevice(made.kind, Int64(made.major), Int64(made.minor)) else {
                continue
            }
            result.append(made)
        }
        return result
    }

    private static func device(
        _ device: RuntimeSpec.Device, _ field: String
    ) throws(TranslationError) -> DeviceSpec {
        var result = DeviceSpec()
        result.path = try FieldChecks.containedPath(device.path, "\(field).path")
        switch device.type {
        case "c", "u": result.kind = "c"
        case "b", "p": result.kind = device.type
        default: throw .invalid("\(field).type", device.type, "is none of c, u, b and p")
        }
        if result.kind != "p" {
            guard let major = device.major else { throw .missing(field: "\(field).major") }
            guard let minor = device.minor else { throw .missing(field: "\(field).minor") }
            result.major = try FieldChecks.number(major, in: 0...maximumMajor, "\(field).major")
            result.minor = try FieldChecks.number(minor, in: 0...maximumMinor, "\(field).minor")
        }
        if let mode = device.fileMode {
            // Engines that copy st_mode leave the type in it.
            result.mode = try FieldChecks.number(mode & ~fileTypeBits, in: 0...0o7777, "\(field).fileMode")
        }
        if let uid = device.uid { result.uid = try id(uid, "\(field).uid") }
        if let gid = device.gid { result.gid = try id(gid, "\(field).gid") }
        return result
    }

    /// What the agent has room for besides its own.
    static let maximumDeviceRules = 240

    /// Numbers of -1 mean all, as a missing type or access does.
    static func deviceRules(_ rules: [RuntimeSpec.DeviceRule]) throws(TranslationError) -> [DeviceRule] {
        let field = "linux.resources.devices"
        guard rules.count <= maximumDeviceRules else {
            throw .invalid(field, "\(rules.count) rules", "are more than \(maximumDeviceRules)")
        }
        var result: [DeviceRule] = []
        for (index, rule) in rules.enumerated() {
            let field = "\(field)[\(index)]"
            var translated = DeviceRule()
            translated.allow = rule.allow
            switch rule.type ?? "" {
            case "", "a": translated.kind = "a"
            case "c", "b": translated.kind = rule.type ?? ""
            default: throw .invalid("\(field).type", rule.type ?? "", "is none of a, c and b")
            }
            // As the kernel's own files had it: a rule for all devices has no numbers.
            if translated.kind != "a" {
                translated.major = try ruleNumber(rule.major, upTo: maximumMajor, "\(field).major")
                translated.minor = try ruleNumber(rule.minor, upTo: maximumMinor, "\(field).minor")
            }
            translated.access = try access(rule.access ?? "", "\(field).access")
            result.append(translated)
        }
        return result
    }

    private static func ruleNumber(
        _ number: Int64?, upTo maximum: UInt32, _ field: String
    ) throws(TranslationError) -> UInt32? {
        guard let number, number != -1 else { return nil }
        return try FieldChecks.number(number, in: 0...maximum, field)
    }

    private static func access(_ letters: String, _ field: String) throws(TranslationError) -> UInt32 {
        guard !letters.isEmpty else { return DeviceRule().access }
        var access: UInt32 = 0
        for letter in letters.utf8 {
            switch letter {
            case UInt8(ascii: "r"): access |= DeviceRule.read
            case UInt8(ascii: "w"): access |= DeviceRule.write
            case UInt8(ascii: "m"): access |= DeviceRule.makeNode
            default: throw .invalid(field, letters, "has other letters than r, w and m")
            }
        }
        return access
    }
}
