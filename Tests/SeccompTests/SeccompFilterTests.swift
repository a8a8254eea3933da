import AgentAPI
import Testing

@testable import Seccomp

/// What the filters do is tested on real processes, in Tests/ContainerTests and Tests/EndToEndTests.
@Suite struct SeccompFilterTests {
    private func spec(_ change: (inout SeccompSpec) -> Void) -> SeccompSpec {
        var spec = SeccompSpec()
        spec.defaultAction = "SCMP_ACT_ALLOW"
        change(&spec)
        return spec
    }

    private func rule(_ names: [String], action: String = "SCMP_ACT_ERRNO", _ conditions: [SeccompCondition] = [])
        -> SeccompRule
    {
        var rule = SeccompRule()
        (rule.names, rule.action, rule.conditions) = (names, action, conditions)
        return rule
    }

    @Test func makesFiltersOfEveryKind() throws {
        var condition = SeccompCondition()
        (condition.index, condition.value, condition.comparison) = (0, 8, "SCMP_CMP_EQ")
        let filter = try SeccompFilter(
            spec {
                $0.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
                $0.flags = ["SECCOMP_FILTER_FLAG_LOG"]
                $0.rules = [
                    rule(["mkdir", "mkdirat"]), rule(["no_such_call"]), rule(["personality"], [condition]),
                    rule(["chmod"], action: "SCMP_ACT_ALLOW"),
                ]
            })
        let program = try filter.program()
        #expect(program.instructions.count > 80 && program.instructions.count % 8 == 0)
        #expect(program.flags == 2)
    }

    @Test func aProgramThatIsTooLongIsSaidToBe() throws {
        let conditions = (0..<3000).map { value in
            var condition = SeccompCondition()
            (condition.index, condition.value, condition.comparison) = (1, UInt64(value) << 33, "SCMP_CMP_GT")
            return condition
        }
        let filter = try SeccompFilter(spec { $0.rules = conditions.map { rule(["ioctl"], [$0]) } })
        let error = #expect(throws: SeccompError.self) { _ = try filter.program() }
        #expect(error?.description.contains("too many rules") == true)
    }

    @Test func whatItDoesNotKnowIsAnErrorThatNamesIt() {
        var condition = SeccompCondition()
        condition.comparison = "SCMP_CMP_NONE"
        for (spec, what) in [
            (spec { $0.defaultAction = "SCMP_ACT_NOTIFY" }, "SCMP_ACT_NOTIFY"),
            (spec { $0.architectures = ["SCMP_ARCH_VAX"] }, "SCMP_ARCH_VAX"),
            (spec { $0.architectures = ["X86"] }, "X86"), (spec { $0.flags = ["FLAG"] }, "FLAG"),
            (spec { $0.rules = [rule(["mkdir"], [condition])] }, "SCMP_CMP_NONE"),
        ] {
            #expect(throws: SeccompError.self, "\(what)") { _ = try SeccompFilter(spec) }
            do {
                _ = try SeccompFilter(spec)
            } catch {
                #expect(error.description.contains(what))
            }
        }
    }
}
