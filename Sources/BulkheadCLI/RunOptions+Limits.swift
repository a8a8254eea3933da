import CommandTree
import Glibc
import Linux
import OCI
import SpecTranslation

/// Limits of a container, some of which a pod can have as well.
extension RunOptions {
    mutating func readLimits(_ arguments: ParsedArguments) throws {
        overrides.memoryBytes = try Self.memory(arguments)
        overrides.nanoCPUs = try Self.nanoCPUs(arguments)
        overrides.processLimit = try arguments.value("pids-limit", as: Self.integer)
        if let limit = overrides.processLimit, limit > Self.maximumProcesses {
            throw CLIError(
                "--pids-limit: at most \(Self.maximumProcesses), or -1 for no limit", exitCode: CLIError.notRun)
        }
        overrides.limits = try arguments.values("ulimit", as: UlimitValue.parse).map {
            DefaultSpec.Limit(name: $0.name, soft: $0.soft, hard: $0.hard)
        }
        overrides.sysctls = try Self.sysctls(arguments)
        overrides.memorySwapBytes = try memorySwap(arguments)
        overrides.processors = try arguments.value("cpuset-cpus", as: ProcessorList.parse)?.text
        overrides.oomScoreAdjust = try arguments.value("oom-score-adj") { text throws(ValueError) in
            guard let score = Int(text) else {
                throw .malformed(what: "score", value: text, expected: "a whole number from -1000 to 1000")
            }
            guard (-1000...1000).contains(score) else {
                throw .outOfRange(what: "score", value: text, allowed: "from -1000 to 1000")
            }
            return score
        }
    }

    /// Memory and swap together, of which a machine has only the one. 0 is unset, as in docker.
    private func memorySwap(_ arguments: ParsedArguments) throws -> Int64? {
        guard let text = arguments.value("memory-swap") else { return nil }
        let bytes = try arguments.value("memory-swap") { text throws(ValueError) in
            text == "-1" ? -1 : try ByteSize.parse(text)
        }
        guard let bytes, bytes != 0 else { return nil }
        guard bytes == -1 || bytes == overrides.memoryBytes else {
            throw CLIError(
                "--memory-swap \(text): a virtual machine has no swap, so it can only be the same as --memory, or -1",
                exitCode: CLIError.notRun)
        }
        return bytes
    }

    /// `--memory`; nil for no limit. docker takes more than the host has, but no machine can have that.
    static func memory(_ arguments: ParsedArguments) throws -> Int64? {
        guard let bytes = try arguments.value("memory", as: ByteSize.parse), bytes != 0 else { return nil }
        guard bytes >= minimumMemory else {
            throw CLIError("--memory: at least 6m, or 0 for no limit", exitCode: CLIError.notRun)
        }
        let available = CurrentProcess.memoryBytes
        guard bytes <= available else {
            throw CLIError(
                "--memory: at most \(available >> 20)m, since this host has no more", exitCode: CLIError.notRun)
        }
        return bytes
    }

    /// `--cpus`; nil for no limit.
    static func nanoCPUs(_ arguments: ParsedArguments) throws -> Int64? {
        guard let cpus = try arguments.value("cpus", as: CPULimit.parse), cpus.nanoCPUs > 0 else { return nil }
        let available = CurrentProcess.processorCount
        guard cpus.nanoCPUs <= Int64(available) * 1_000_000_000 else {
            throw CLIError(
                "--cpus: from 0.01 to \(available), since this host has \(available)", exitCode: CLIError.notRun)
        }
        return cpus.nanoCPUs
    }

    static func sysctls(_ arguments: ParsedArguments) throws -> [String: String] {
        var sysctls: [String: String] = [:]
        for sysctl in try arguments.values("sysctl", as: KeyValue.parse) {
            guard let value = sysctl.value else {
                throw CLIError("--sysctl \(sysctl.key): KEY=VALUE is needed", exitCode: CLIError.notRun)
            }
            guard sysctl.key != "kernel.hostname" else {
                throw CLIError("--sysctl \(sysctl.key): use --hostname", exitCode: CLIError.notRun)
            }
            guard namespacedSysctls.contains(where: { $0.last == "." ? sysctl.key.hasPrefix($0) : sysctl.key == $0 })
            else {
                throw CLIError(
                    "--sysctl \(sysctl.key): it is the whole kernel's, and a container can have those of namespaces only: "
                        + "net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm*", exitCode: CLIError.notRun)
            }
            sysctls[sysctl.key] = value
        }
        return sysctls
    }

    /// docker's, and whole branches.
    private static let namespacedSysctls = [
        "net.", "fs.mqueue.", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
        "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    ]

    /// docker's.
    private static let minimumMemory: Int64 = 6 << 20
    /// PID_MAX_LIMIT.
    private static let maximumProcesses: Int64 = 4 << 20

    private static func integer(_ text: String) throws(ValueError) -> Int64 {
        guard let number = Int64(text) else {
            throw .malformed(what: "number", value: text, expected: "a whole number, or -1 for no limit")
        }
        return number
    }
}
