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

    /// The kernel tries each new filter with all system calls' numbers.
    @Test func aCallIsJudgedInFewSteps() throws {
        let denied = ["mkdir", "mount", "umount2", "swapon", "reboot", "sethostname", "add_key", "bpf", "kexec_load"]
        let allowed =
            ["read", "write", "open", "close", "stat", "fstat", "poll", "lseek", "mmap", "mprotect", "brk"]
            + ["ioctl", "pread64", "access", "pipe", "select", "dup", "pause", "getpid", "socket", "connect", "fork"]
            + ["execve", "exit", "kill", "fcntl", "flock", "fsync", "getcwd", "chdir", "rename", "link", "chmod"]
        let filter = try SeccompFilter(
            spec {
                $0.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
                $0.defaultAction = "SCMP_ACT_ERRNO"
                $0.rules = [rule(allowed, action: "SCMP_ACT_ALLOW"), rule(denied, action: "SCMP_ACT_TRAP")]
            })
        let program = ClassicBPF(try filter.program().instructions)
        let allow: UInt32 = 0x7FFF_0000, trap: UInt32 = 0x3_0000, errno: UInt32 = 0x5_0001
        for (number, action) in [(0, allow), (59, allow), (165, trap), (83, trap), (321, trap), (101, errno)] {
            let (result, steps) = try #require(program.run(call: UInt32(number)))
            #expect(result == action, "\(number)")
            #expect(steps < 20, "\(number)")
        }
        #expect(program.count > 100)
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

/// Carries out what a filter is made of. Source: linux/filter.h, linux/seccomp.h.
private struct ClassicBPF {
    private let instructions: [(code: UInt16, jumpTrue: Int, jumpFalse: Int, value: UInt32)]

    init(_ bytes: [UInt8]) {
        instructions = stride(from: 0, to: bytes.count, by: 8).map { start in
            func number(_ range: Range<Int>) -> UInt32 { bytes[range].reversed().reduce(0) { $0 << 8 | UInt32($1) } }
            return (
                UInt16(number(start..<start + 2)), Int(bytes[start + 2]), Int(bytes[start + 3]),
                number(start + 4..<start + 8)
            )
        }
    }

    var count: Int { instructions.count }

    /// Of a process of x86-64, without arguments. Nil for what is not known here.
    func run(call: UInt32) -> (result: UInt32, steps: Int)? {
        var place = 0, steps = 0, accumulator: UInt32 = 0
        while place < instructions.count {
            let (code, jumpTrue, jumpFalse, value) = instructions[place]
            (place, steps) = (place + 1, steps + 1)
            switch code {
            case 0x20: accumulator = value == 0 ? call : value == 4 ? 0xC000_003E : 0
            case 0x05: place += Int(value)
            case 0x15: place += accumulator == value ? jumpTrue : jumpFalse
            case 0x25: place += accumulator > value ? jumpTrue : jumpFalse
            case 0x35: place += accumulator >= value ? jumpTrue : jumpFalse
            case 0x06: return (value, steps)
            default: return nil
            }
        }
        return nil
    }
}
