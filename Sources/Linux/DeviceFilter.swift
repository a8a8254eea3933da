import CLinux

/// A program that decides on the use of devices in cgroups, bpf(2).
public final class DeviceFilter: Sendable {
    private let program: OwnedFD

    /// Loads the program (BPF_PROG_TYPE_CGROUP_DEVICE).
    /// - Parameter instructions: each a struct bpf_insn.
    public init(_ instructions: [UInt64]) throws(SystemCallError) {
        let loaded = instructions.withUnsafeBufferPointer { bh_bpf_load_device_program($0.baseAddress, $0.count) }
        program = OwnedFD(owning: try check(loaded, "bpf", "BPF_PROG_LOAD"))
    }

    /// Attaches it to the open cgroup v2 directory, with which it stays. Those of the cgroups below can only take more
    /// away.
    public func attach(to cgroup: borrowing OwnedFD) throws(SystemCallError) {
        let result = program.withRaw { program in cgroup.withRaw { bh_bpf_attach_device_program(program, $0) } }
        try check(result, "bpf", "BPF_PROG_ATTACH")
    }
}
