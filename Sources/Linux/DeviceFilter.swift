import CLinux

/// A program that decides on the use of devices in a cgroup, bpf(2).
public enum DeviceFilter {
    /// Loads the program (BPF_PROG_TYPE_CGROUP_DEVICE) and attaches it to the open cgroup v2 directory, with which it
    /// stays. Those of the cgroups below can only take more away.
    /// - Parameter instructions: each a struct bpf_insn.
    public static func attach(_ instructions: [UInt64], to cgroup: borrowing OwnedFD) throws(SystemCallError) {
        let loaded = instructions.withUnsafeBufferPointer { bh_bpf_load_device_program($0.baseAddress, $0.count) }
        let program = OwnedFD(owning: try check(loaded, "bpf", "BPF_PROG_LOAD"))
        let result = program.withRaw { program in cgroup.withRaw { bh_bpf_attach_device_program(program, $0) } }
        try check(result, "bpf", "BPF_PROG_ATTACH")
    }
}
