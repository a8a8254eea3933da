import AgentAPI

/// Device rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE. Pure.
///
/// Register 3 holds the kinds of access that are not decided yet. The rules come last first: one that allows takes its
/// kinds off, one that denies ends the program when it has one of them. Register 2 is loaded anew for each comparison, so
/// that the kernel's verifier forgets what it learned and its work grows with the number of rules only.
/// Source: include/uapi/linux/bpf.h, struct bpf_cgroup_dev_ctx; the kernel's instruction-set.rst.
struct DeviceProgram: Equatable {
    /// Far more than engines write.
    static let ruleLimit = 256

    /// One instruction, as struct bpf_insn.
    struct Instruction: Equatable {
        var code: UInt8
        var destination: UInt8 = 0
        var source: UInt8 = 0
        var offset: Int16 = 0
        var immediate: Int32 = 0

        var encoded: UInt64 {
            UInt64(code) | UInt64(destination | source << 4) << 8 | UInt64(UInt16(bitPattern: offset)) << 16
                | UInt64(UInt32(bitPattern: immediate)) << 32
        }
    }

    private(set) var instructions: [Instruction] = []

    private static let context: UInt8 = 1, field: UInt8 = 2, undecided: UInt8 = 3
    private static let typeOffset: Int16 = 0, majorOffset: Int16 = 4, minorOffset: Int16 = 8
    private static let blockType: UInt32 = 1, characterType: UInt32 = 2
    private static let typeMask: Int32 = 0xffff

    /// - Throws: a rule that means nothing, or too many.
    init(_ rules: [DeviceRule]) throws(ContainerError) {
        guard rules.count <= Self.ruleLimit else {
            throw ContainerError("limit the devices", "\(rules.count) rules, more than \(Self.ruleLimit)")
        }
        instructions = [
            Self.load(Self.undecided, Self.typeOffset),
            Instruction(code: 0x77, destination: Self.undecided, immediate: 16),
        ]
        for rule in rules.reversed() { try append(rule) }
        instructions += Self.end(allow: false)
    }

    private mutating func append(_ rule: DeviceRule) throws(ContainerError) {
        let all = DeviceRule.makeNode | DeviceRule.read | DeviceRule.write
        guard rule.access & ~all == 0 else {
            throw ContainerError("limit the devices", "no kinds of access: \(rule.access)")
        }
        // What has to be so for the rule to count. Each ends with a jump that `parts` knows the place of.
        var parts: [[Instruction]] = []
        switch rule.kind {
        case "a": break
        case "b", "c":
            let mask = Instruction(code: 0x57, destination: Self.field, immediate: Self.typeMask)
            let type = rule.kind == "b" ? Self.blockType : Self.characterType
            parts.append([Self.load(Self.field, Self.typeOffset), mask, Self.jump(unless: type)])
        default: throw ContainerError("limit the devices", "no type of a device: \(rule.kind)")
        }
        if let major = rule.major { parts.append([Self.load(Self.field, Self.majorOffset), Self.jump(unless: major)]) }
        if let minor = rule.minor { parts.append([Self.load(Self.field, Self.minorOffset), Self.jump(unless: minor)]) }
        let access = Int32(rule.access)
        let decision: [Instruction] =
            if rule.allow {
                [
                    Instruction(code: 0x57, destination: Self.undecided, immediate: ~access),
                    Instruction(code: 0x55, destination: Self.undecided, offset: 2),
                ] + Self.end(allow: true)
            } else {
                [
                    Instruction(code: 0x45, destination: Self.undecided, offset: 1, immediate: access),
                    Instruction(code: 0x05, offset: 2),
                ] + Self.end(allow: false)
            }
        var rest = parts.reduce(decision.count) { $0 + $1.count }
        for var part in parts {
            rest -= part.count
            part[part.count - 1].offset = Int16(rest)
            instructions += part
        }
        instructions += decision
    }

    /// Register := 32 bits of the context.
    private static func load(_ register: UInt8, _ offset: Int16) -> Instruction {
        Instruction(code: 0x61, destination: register, source: context, offset: offset)
    }

    /// To the next rule when the field is not `value`, by a comparison of 32 bits.
    private static func jump(unless value: UInt32) -> Instruction {
        Instruction(code: 0x56, destination: field, immediate: Int32(bitPattern: value))
    }

    private static func end(allow: Bool) -> [Instruction] {
        [Instruction(code: 0xb7, immediate: allow ? 1 : 0), Instruction(code: 0x95)]
    }
}
