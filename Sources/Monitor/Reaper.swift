import Linux
import PodDirectory

/// A process beside each monitor that waits for its end and undoes what it could not undo itself, killed for instance. It
/// holds nothing else.
public enum Reaper {
    /// argv[0] by which our executable knows that it is a reaper.
    public static let programName = "bulkhead-reaper"
    private static let monitorDescriptor: Int32 = 3, directoryDescriptor: Int32 = 4

    /// Starts the reaper of this process, which is a monitor.
    /// - Returns: its number.
    @discardableResult static func start(for paths: PodDirectory.Paths, launcher: String) throws -> Int32 {
        var plan = SpawnPlan(launcher, [programName, paths.pod])
        plan.deathSignal = 0
        plan.newSession = true
        let monitor = try PidFD(CurrentProcess.id)
        let nothing = try Files.open("/dev/null", .readWrite)
        let number = nothing.withRaw { $0 }
        let directory = try Files.open(paths.pod, [.path, .directory])
        // Its end is the next reaper's, init: it comes after the monitor's.
        return try plan.start(descriptors: [
            DescriptorMapping(number, as: 0), DescriptorMapping(number, as: 1), DescriptorMapping(2, as: 2),
            DescriptorMapping(monitor.fd.withRaw { $0 }, as: monitorDescriptor),
            DescriptorMapping(directory.withRaw { $0 }, as: directoryDescriptor),
        ]).pid
    }

    /// Waits for the monitor's end and cleans up after it. Never returns.
    public static func main() -> Never {
        guard CommandLine.arguments.count == 2 else {
            warn("this is a part of bulkhead, not a command")
            CurrentProcess.exit(125)
        }
        do {
            let directory = OwnedFD(owning: directoryDescriptor)
            try PidFD(owning: OwnedFD(owning: monitorDescriptor)).waitForEnd()
            // A spare's has another name once it is a pod's; one that is removed has none, and there is nothing to undo.
            let paths = PodDirectory.Paths(pod: try directory.currentPath())
            // Waits for a front end that has come first.
            try PodDirectory.takeOver(paths, wait: true)?.undo(isPatient: true)
        } catch {
            warn("\(error)")
            CurrentProcess.exit(1)
        }
        CurrentProcess.exit(0)
    }
}
