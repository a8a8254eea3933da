/// cgroups(7) of either version, by their directories.
public enum Cgroup {
    /// Moves a process, with all its threads.
    public static func move(_ process: Int32, into directory: String) throws(SystemCallError) {
        try Files.control(directory + "/cgroup.procs", "\(process)")
    }
}
