import Glibc
import Linux

/// The step between a monitor and its QEMU: a fresh process of ours, in new mount, pid, ipc, uts and network
/// namespaces, that takes everything away from itself and then executes the program.
public enum Confinement {
    /// argv[0] by which our executable knows that it is this step.
    public static let programName = "bulkhead-confine"

    /// The namespaces that whoever starts the step makes for it.
    public static let namespaces: Namespaces = [.mount, .pid, .ipc, .uts, .network]

    /// Carries out the plan in argv[1] and executes its program. Returns never: a failure is told on standard error,
    /// exit 125.
    public static func main() -> Never {
        guard CommandLine.arguments.count == 2, let plan = ConfinementPlan(serialized: CommandLine.arguments[1]) else {
            fail("this is a part of bulkhead's start of a virtual machine, not a command")
        }
        do {
            try enter(plan)
        } catch {
            fail("\(error)")
        }
    }

    private static func fail(_ message: String) -> Never {
        let line = Array("\(programName): \(message)\n".utf8)
        _ = write(2, line, line.count)
        exit(125)
    }

    private static func enter(_ plan: ConfinementPlan) throws(SystemCallError) -> Never {
        let parent = PidFD(owning: OwnedFD(owning: plan.parentFD))
        // Whatever the monitor's is: the program must get through the directories of its root.
        CurrentProcess.setFileCreationMask(0o022)
        try makeRoot(plan)
        try Mounts.pivotRoot(to: plan.root)

        let coreSize: CInt = 4
        try Privileges.setLimit(coreSize, soft: 0, hard: 0)
        let kept = CapabilitySet(rawValue: plan.capabilities)
        try Privileges.boundCapabilities(to: kept)
        try Privileges.keepCapabilities()
        try Privileges.setIdentity(uid: plan.uid, gid: plan.uid, groups: [])
        try Privileges.setCapabilities(effective: kept, permitted: kept, inheritable: kept)
        try Privileges.setAmbient(kept)
        try Privileges.forbidNew()

        // The change of the uid has cleared it, and the parent may have died since.
        try Privileges.setDeathSignal(SIGKILL)
        guard try !parent.hasEnded() else { exit(125) }
        _ = consume parent
        try execute(plan.program, plan.arguments, environment: plan.environment)
    }

    /// The root: a file system of its own with empty places, the host's files bound on them, then read-only.
    private static func makeRoot(_ plan: ConfinementPlan) throws(SystemCallError) {
        try Mounts.setPropagation("/", [.slave, .recursive])
        try Mounts.mount(
            "tmpfs", on: plan.root, type: "tmpfs", [.noSetUID, .noDevices, .noExecute], data: "size=256k,mode=755")
        for bind in plan.binds where bind.access != .optional || Files.exists(bind.source) {
            let target = plan.root + bind.target
            if Files.isDirectory(bind.source) {
                try Files.makeDirectories(target)
            } else {
                try Files.makeDirectories(Files.parent(of: target) ?? plan.root)
                try Files.write([], to: target)
            }
            try Mounts.mount(bind.source, on: target, bind.access == .share ? [.bind, .recursive] : [.bind])
            switch bind.access {
            case .readOnly, .optional: try Mounts.setAttributes(target, set: [.readOnly, .noSetUID, .noDevices])
            case .device: try Mounts.setAttributes(target, set: [.noSetUID, .noExecute])
            case .writable: try Mounts.setAttributes(target, set: [.noSetUID, .noDevices, .noExecute])
            case .share:
                try Mounts.setAttributes(target, set: [.noSetUID, .noDevices, .noExecute], recursive: true)
                // The directory itself only: what is mounted below is as writable as its owner made it, and its owner
                // must find nothing in the directory that the program has made.
                try Mounts.setAttributes(target, set: .readOnly)
            }
        }
        if plan.showsItself {
            try Files.makeDirectory(plan.root + "/proc")
            try Mounts.mount(
                "proc", on: plan.root + "/proc", type: "proc", [.readOnly, .noSetUID, .noDevices, .noExecute],
                data: "subset=pid,hidepid=invisible")
        }
        for link in plan.links { try Files.symlink(link.source, at: plan.root + link.target) }
        try Mounts.setAttributes(plan.root, set: .readOnly)
    }
}
