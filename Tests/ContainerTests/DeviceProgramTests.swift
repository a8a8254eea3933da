import AgentAPI
import SeededRandom
import Testing

@testable import Container

@Suite struct DeviceProgramTests {
    /// An attempt to use a device.
    struct Attempt: Equatable, Sendable {
        var kind = "c"
        var major: UInt32 = 0
        var minor: UInt32 = 0
        var access: UInt32 = DeviceRule.read
    }

    /// What the kernel would do with the program; nil when it does what the verifier refuses.
    static func run(_ program: DeviceProgram, _ attempt: Attempt) -> Int32? {
        let type: UInt32 = attempt.kind == "b" ? 1 : 2
        let context = [type | attempt.access << 16, attempt.major, attempt.minor]
        var registers = [UInt64?](repeating: nil, count: 11)
        var next = 0
        while program.instructions.indices.contains(next) {
            let instruction = program.instructions[next]
            next += 1
            let destination = Int(instruction.destination)
            let immediate = UInt64(bitPattern: Int64(instruction.immediate))
            if instruction.code == 0x61 {
                guard instruction.source == 1, instruction.offset % 4 == 0,
                    context.indices.contains(Int(instruction.offset / 4))
                else { return nil }
                registers[destination] = UInt64(context[Int(instruction.offset / 4)])
                continue
            }
            if instruction.code == 0xb7 {
                registers[destination] = immediate
                continue
            }
            if instruction.code == 0x95 { return registers[0].map { Int32(truncatingIfNeeded: $0) } }
            guard instruction.code == 0x05 || registers[destination] != nil else { return nil }
            let value = registers[destination] ?? 0
            switch instruction.code {
            case 0x77: registers[destination] = value >> immediate
            case 0x57: registers[destination] = value & immediate
            case 0x05: next += Int(instruction.offset)
            case 0x45: if value & immediate != 0 { next += Int(instruction.offset) }
            case 0x55: if value != immediate { next += Int(instruction.offset) }
            case 0x56:
                if UInt32(truncatingIfNeeded: value) != UInt32(truncatingIfNeeded: immediate) {
                    next += Int(instruction.offset)
                }
            default: return nil
            }
        }
        return nil
    }

    /// The same, told by the rules.
    static func isAllowed(_ rules: [DeviceRule], _ attempt: Attempt) -> Bool {
        [DeviceRule.makeNode, DeviceRule.read, DeviceRule.write].filter { attempt.access & $0 != 0 }.allSatisfy {
            kind in
            rules.last { rule in
                (rule.kind == "a" || rule.kind == attempt.kind) && rule.access & kind != 0
                    && (rule.major ?? attempt.major) == attempt.major && (rule.minor ?? attempt.minor) == attempt.minor
            }?.allow ?? false
        }
    }

    private static func rule(
        _ allow: Bool, _ kind: String = "a", _ major: UInt32? = nil, _ minor: UInt32? = nil, _ access: UInt32 = 7
    ) -> DeviceRule {
        DeviceRule(allow: allow, kind: kind, major: major, minor: minor, access: access)
    }

    struct Row: Sendable {
        let rules: [DeviceRule]
        let attempt: Attempt
        let isAllowed: Bool
    }

    @Test(arguments: [
        Row(rules: [], attempt: Attempt(), isAllowed: false),
        Row(rules: [rule(true)], attempt: Attempt(kind: "b", major: .max, minor: .max, access: 7), isAllowed: true),
        Row(rules: [rule(true), rule(false)], attempt: Attempt(), isAllowed: false),
        Row(
            rules: [rule(false), rule(true, "c", 1, 3)], attempt: Attempt(major: 1, minor: 3, access: 6),
            isAllowed: true),
        Row(
            rules: [rule(false), rule(true, "c", 1, 3)], attempt: Attempt(kind: "b", major: 1, minor: 3),
            isAllowed: false),
        Row(rules: [rule(false), rule(true, "c", 1, 3)], attempt: Attempt(major: 1, minor: 4), isAllowed: false),
        Row(rules: [rule(false), rule(true, "c", 1)], attempt: Attempt(major: 1, minor: 400), isAllowed: true),
        Row(rules: [rule(false), rule(true, "c", nil, 3)], attempt: Attempt(major: 9, minor: 3), isAllowed: true),
        // Each kind of access by its own last rule.
        Row(rules: [rule(true, "c", 1, 3, 2)], attempt: Attempt(major: 1, minor: 3, access: 6), isAllowed: false),
        Row(
            rules: [rule(true, "c", 1, 3, 2), rule(true, "c", 1, nil, 4)],
            attempt: Attempt(major: 1, minor: 3, access: 6), isAllowed: true),
        Row(
            rules: [rule(true), rule(false, "b", 8, nil, 4)], attempt: Attempt(kind: "b", major: 8, access: 2),
            isAllowed: true),
        Row(
            rules: [rule(true), rule(false, "b", 8, nil, 4)], attempt: Attempt(kind: "b", major: 8, access: 6),
            isAllowed: false),
        Row(
            rules: [rule(true), rule(false, "b", 8), rule(true, "b", 8, 1)],
            attempt: Attempt(kind: "b", major: 8, minor: 1), isAllowed: true),
        Row(
            rules: [rule(true, "c", 0xffff_ffff, 0x8000_0000)],
            attempt: Attempt(major: 0xffff_ffff, minor: 0x8000_0000), isAllowed: true),
    ])
    func theLastRuleDecides(_ row: Row) throws {
        #expect(Self.run(try DeviceProgram(row.rules), row.attempt) == (row.isAllowed ? 1 : 0))
        #expect(Self.isAllowed(row.rules, row.attempt) == row.isAllowed)
    }

    @Test func theProgramDoesWhatTheRulesSay() throws {
        var random = SeededGenerator(seed: 7)
        var allowed = 0
        for _ in 0..<3000 {
            let rules = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                Self.rule(
                    Bool.random(using: &random), ["a", "b", "c"].randomElement(using: &random) ?? "a",
                    [nil, 1, 2].randomElement(using: &random) ?? nil, [nil, 1, 2].randomElement(using: &random) ?? nil,
                    UInt32.random(in: 0...7, using: &random))
            }
            let attempt = Attempt(
                kind: Bool.random(using: &random) ? "b" : "c", major: UInt32.random(in: 1...2, using: &random),
                minor: UInt32.random(in: 1...2, using: &random), access: UInt32.random(in: 1...7, using: &random))
            let expected = Self.isAllowed(rules, attempt)
            allowed += expected ? 1 : 0
            #expect(Self.run(try DeviceProgram(rules), attempt) == (expected ? 1 : 0), "\(rules) \(attempt)")
        }
        #expect((300...2500).contains(allowed))
    }

    @Test func standardDevicesCanBeUsed() throws {
        let program = try DeviceProgram(DeviceRule.standard)
        for (major, minor) in [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, 77)] as [(UInt32, UInt32)]
        {
            #expect(Self.run(program, Attempt(major: major, minor: minor, access: 6)) == 1)
        }
        #expect(Self.run(program, Attempt(kind: "b", major: 8, access: DeviceRule.makeNode)) == 1)
        #expect(Self.run(program, Attempt(kind: "b", major: 8, access: DeviceRule.read)) == 0)
        #expect(Self.run(program, Attempt(major: 10, minor: 229)) == 0)
        #expect(Self.run(program, Attempt(major: 1, minor: 1)) == 0)
    }

    @Test(arguments: [
        [rule(true, "d")], [rule(true, "")], [rule(true, "a", nil, nil, 8)],
        Array(repeating: rule(true), count: DeviceProgram.ruleLimit + 1),
    ])
    func aRuleThatMeansNothingIsRefused(_ rules: [DeviceRule]) {
        #expect(throws: ContainerError.self) { try DeviceProgram(rules) }
    }

    @Test func instructionsAreEncodedAsTheKernelReadsThem() {
        let instruction = DeviceProgram.Instruction(
            code: 0x61, destination: 2, source: 1, offset: -2, immediate: 0x0102_0304)
        #expect(instruction.encoded == 0x0102_0304_fffe_1261)
    }
}
