import EventLoop
import Linux

/// Stopping all processes of a container where they are, and letting them go on.
extension ControlGroup {
    private static let pause = Duration.milliseconds(10), tries = 500

    /// Whether it is frozen, or on its way there. A container with rights over its cgroup may have done it itself.
    var isFrozen: Bool {
        (try? Files.readText(path + "/cgroup.freeze"))?.first == "1"
    }

    /// Freezes or thaws, and waits until it is so, for 5 s at most; a freeze that takes longer is taken back.
    @EventLoop func setFrozen(_ frozen: Bool) async throws(ContainerError) {
        let step = frozen ? "pause" : "resume"
        let path = path
        try stage(step) { () throws(SystemCallError) in
            try Files.control(path + "/cgroup.freeze", frozen ? "1" : "0")
        }
        for _ in 0..<Self.tries {
            let events = try stage(step) { () throws(SystemCallError) in
                try Files.readText(path + "/cgroup.events")
            }
            if (ControlGroupContent.numbers(events)["frozen"] == 1) == frozen { return }
            do {
                try await EventLoop.sleep(for: Self.pause)
            } catch {
                break  // Given up by the caller: as if it had taken too long.
            }
        }
        if frozen { thaw() }
        throw ContainerError(step, "a process does not \(frozen ? "stop" : "go on")")
    }

    /// Thaws without waiting. Fails only where nothing is left to be thawed.
    func thaw() { try? Files.control(path + "/cgroup.freeze", "0") }
}
