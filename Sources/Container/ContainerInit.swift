import AgentAPI
import Linux

/// The first process of a container, and every one that joins it, until it executes its program: a copy of the zygote
/// (`ZygoteProcess`), in the container's namespaces, with one thread.
///
///     whoever makes it                       init
///                          ◀── ready ─────── it waits for the plan, when it was made before there is one
///       plan ──────────────────────────────▶ sets everything up; its streams come with it
///                          ◀── filter ────── what the plan's seccomp profile becomes, if it has one
///                          ◀── terminal ──── with the terminal's controlling side, if there is one
///                          ◀── ready ───────
///       start ─────────────────────────────▶ runs the hooks, if there are some, and executes the program
///                          ◀── end ────────── it has
///                          ◀── failed ────── at any time, and it ends
public enum ContainerInit {
    /// Makes a seccomp filter of a profile.
    public typealias FilterCompiler = (SeccompSpec) throws(ContainerError) -> SeccompProgram

    /// What any plan would ask for of namespaces of its own, and what this one may.
    struct Preparation {
        /// As somebody has had it before.
        var mounts: KernelMounts?
        /// Where it is mounted.
        var place = ""
    }

    static let channelNumber: Int32 = 3
    static let start: UInt8 = 1
    private static let failureCode: Int32 = 1

    /// Does all of it; the process is the container's program then, or has ended.
    /// - Parameters:
    ///   - preparation: what is done before there is a plan; nil: nothing.
    ///   - compile: called for a profile of which the plan's maker has no filter yet.
    static func run(_ preparation: Preparation?, compilingFilters compile: FilterCompiler) -> Never {
        let channel = OwnedFD(owning: channelNumber)
        do {
            try perform(channel, preparation, compile)
        } catch {
            // When nobody listens any more the exit code is the rest.
            try? UnixSocket.send(InitMessage.failed(error).encoded, descriptors: [], over: channel)
        }
        CurrentProcess.exit(failureCode)
    }

    /// For a program without seccomp: a container that asks for a filter does not run without it.
    public static func refuseFilter(_ spec: SeccompSpec) throws(ContainerError) -> SeccompProgram {
        throw ContainerError("make the seccomp filter", "this agent has no seccomp")
    }

    private static func perform(
        _ channel: borrowing OwnedFD, _ preparation: Preparation?, _ compile: FilterCompiler
    ) throws(ContainerError) {
        CurrentProcess.setFileCreationMask(0)
        let prepared: PreparedMounts? = if let preparation { try prepare(preparation, channel) } else { nil }
        let order = try InitOrder.receive(over: channel)
        let plan = order.plan
        // Before anything of the container can have a say in it: it is kept for others.
        let program = try filter(of: plan, channel, compile)
        let process = plan.spec.process
        if let score = process.oomScoreAdjust {
            try stage("set the OOM score") { () throws(SystemCallError) in
                try Files.control("/proc/self/oom_score_adj", "\(score)")
            }
        }
        var parent: OwnedFD?
        if plan.joins {
            try ProcessScheduling(process).setInitialAffinity()
            // The mount namespace last and here, not when it was made: until now it needs the guest's files.
            try order.join(.mount)
            try stage("join the container") { () throws(SystemCallError) in try changeDirectory("/") }
        } else {
            try order.join(Namespaces(rawValue: plan.lateNamespaces))
            parent = try openInit(plan.spec.initProgram)
            try GuestFeatures.load(for: plan.spec)
            let hasOwnNetwork = Namespaces(rawValue: plan.spec.newNamespaces).contains(.network)
            if hasOwnNetwork, preparation == nil { try bringLoopbackUp() }
            try make(plan, prepared, channel)
        }
        if let terminal = process.terminal, plan.joins {
            try stage("open the terminal") { () throws(SystemCallError) in
                let root = try Files.open("/", [.path, .directory])
                try ContainerTerminal.open(terminal, root: root, console: false, channel: channel)
            }
        }
        let setup = try ProcessSetup(process)
        let hooks = try prepareHooks(plan.spec.hooks)
        func restrictCalls() throws(ContainerError) {
            guard let program else { return }
            try stage("install the seccomp filter") { () throws(SystemCallError) in
                try SystemCallFilter.install(program.instructions, flags: program.flags)
            }
        }
        // While it has every privilege; the filter, which takes privileges or no_new_privs, may forbid these calls.
        try ProcessScheduling(process).apply(joins: plan.joins, personality: plan.spec.personality)
        try setup.apply(filter: restrictCalls)
        let programs = try setup.findPrograms()
        try awaitStart(channel, of: plan.joins ? programs : [])
        if process.noNewPrivileges { try restrictCalls() }
        try hooks?.run()
        let failure = setup.execute(programs, under: parent)
        guard plan.spec.startsAnyway else { throw failure }
        CurrentProcess.writeError(Array("\(failure)\n".utf8))
        CurrentProcess.exit(failureCode)
    }

    private static func prepare(
        _ preparation: Preparation, _ channel: borrowing OwnedFD
    ) throws(ContainerError) -> PreparedMounts? {
        try bringLoopbackUp()
        // The guest's mounts still arrive, and nothing goes back.
        try stage("keep the mounts apart") { () throws(SystemCallError) in
            try Mounts.setPropagation("/", [.slave, .recursive])
        }
        let mounts: PreparedMounts? =
            if let wanted = preparation.mounts {
                // A container that wants them is told what is wrong, when it has them made.
                try? PreparedMounts.make(wanted, at: preparation.place)
            } else {
                nil
            }
        try stage("tell of the preparation") { () throws(SystemCallError) in
            try UnixSocket.send(InitMessage.ready.encoded, descriptors: [], over: channel)
        }
        return mounts
    }

    private static func bringLoopbackUp() throws(ContainerError) {
        try stage("bring lo up") { () throws(SystemCallError) in try Network.bringLoopbackUp() }
    }

    private static func filter(
        of plan: InitPlan, _ channel: borrowing OwnedFD, _ compile: FilterCompiler
    ) throws(ContainerError) -> SeccompProgram? {
        guard let profile = plan.spec.seccomp else { return plan.filter }
        let spec: SeccompSpec
        do {
            spec = try profile.decoded()
        } catch {
            throw ContainerError("make the seccomp filter", "\(error)")
        }
        let program = try compile(spec)
        try stage("tell of the seccomp filter") { () throws(SystemCallError) in
            try UnixSocket.send(InitMessage.filter(program).encoded, descriptors: [], over: channel)
        }
        return program
    }

    /// While the guest's file system is seen. The descriptor keeps it beyond.
    private static func openInit(_ path: String) throws(ContainerError) -> OwnedFD? {
        guard !path.isEmpty else { return nil }
        return try stage("open the init") { () throws(SystemCallError) in try Files.open(path, .path) }
    }

    /// - Parameter program: its file goes along if it can, and is not held here meanwhile.
    private static func sendReady(_ program: String?, over channel: borrowing OwnedFD) throws(SystemCallError) {
        let message = InitMessage.ready.encoded
        if let file = program.flatMap({ try? Files.open($0, .path) }) {
            // As many descriptors may be on their way as the user's limit says.
            let sent: Void? = file.withRaw { try? UnixSocket.send(message, descriptors: [$0], over: channel) }
            if sent != nil { return }
        }
        try UnixSocket.send(message, descriptors: [], over: channel)
    }

    private static func prepareHooks(_ spec: HooksSpec?) throws(ContainerError) -> ContainerHooks? {
        guard let spec else { return nil }
        return try ContainerHooks(spec)
    }

    private static func awaitStart(
        _ channel: borrowing OwnedFD, of programs: [String]
    ) throws(ContainerError) {
        let answer = try stage("wait for the start") { () throws(SystemCallError) in
            try sendReady(programs.first, over: channel)
            return try channel.read(upTo: 1)
        }
        // Whoever made the container is gone or does not want it any more.
        guard answer == [start] else { CurrentProcess.exit(failureCode) }
    }

    private static func make(
        _ plan: InitPlan, _ prepared: borrowing PreparedMounts?, _ channel: borrowing OwnedFD
    ) throws(ContainerError) {
        let namespaces = Namespaces(rawValue: plan.spec.newNamespaces)
        // Here, since a cgroup namespace starts where its maker is: now that is the container's cgroup.
        if namespaces.contains(.cgroup) {
            try stage("make the namespaces") { () throws(SystemCallError) in try Namespaces.cgroup.unshare() }
        }
        let propagation = MountFlags(rawValue: UInt(truncatingIfNeeded: plan.spec.rootfsPropagation))
        let root = try ContainerRoot.mount(plan.spec.root, layer: plan.layer, propagation: propagation)
        let spec = try use(prepared, for: plan, in: root)
        for mount in spec.mounts { try ContainerMount(mount).perform(in: root) }
        try root.makeDevices(spec)
        if let terminal = spec.process.terminal {
            try stage("open the terminal") { () throws(SystemCallError) in
                try ContainerTerminal.open(
                    terminal, root: root.directory, console: true, channel: channel)
            }
        }
        try setNames(spec, namespaces)
        try setKernelSettings(spec, namespaces)
        if !spec.process.workingDirectory.isEmpty {
            let path = spec.process.workingDirectory
            _ = try stage("make the working directory \(path)") { () throws(SystemCallError) in
                try root.makePlace(path, directory: true)
            }
        }
        for path in spec.readonlyPaths { try root.protect(path) }
        for path in spec.maskedPaths { try root.mask(path) }
        if spec.root.readOnly {
            try stage("make the root read-only") { () throws(SystemCallError) in
                try Mounts.setAttributes(root.directory, set: .readOnly, named: "the root")
            }
        }
        try root.enter()
        guard !propagation.isEmpty else { return }
        try stage("set the root's propagation") { () throws(SystemCallError) in
            try Mounts.setPropagation("/", propagation)
        }
    }

    /// What is still to be made of the plan's container: without what is prepared, when that is what it wants and is where
    /// it wants it now; else all, and nothing of what was prepared is left.
    private static func use(
        _ prepared: borrowing PreparedMounts?, for plan: InitPlan, in root: borrowing ContainerRoot
    ) throws(ContainerError) -> ContainerSpec {
        switch prepared {
        case .none: return plan.spec
        case .some(let prepared):
            // Of namespaces that it has joined, they would be others'.
            guard plan.lateNamespaces == 0, let (own, rest) = KernelMounts.split(plan.spec), prepared.serve(own)
            else {
                try prepared.remove()
                return plan.spec
            }
            try prepared.attach(in: root)
            return rest
        }
    }

    private static func setNames(_ spec: ContainerSpec, _ namespaces: Namespaces) throws(ContainerError) {
        guard !spec.hostname.isEmpty || !spec.domainname.isEmpty else { return }
        guard namespaces.contains(.uts) else {
            throw ContainerError("set the hostname", "the container has no uts namespace of its own")
        }
        try stage("set the hostname") { () throws(SystemCallError) in
            if !spec.hostname.isEmpty { try Identity.setHostname(spec.hostname) }
            if !spec.domainname.isEmpty { try Identity.setDomainname(spec.domainname) }
        }
    }

    /// Through the guest's /proc/sys, whose namespaced files are those of whoever opens them.
    private static func setKernelSettings(_ spec: ContainerSpec, _ namespaces: Namespaces) throws(ContainerError) {
        for (key, value) in spec.sysctls.sorted(by: { $0.key < $1.key }) {
            let setting = try KernelSetting(key, namespaces: namespaces)
            try stage("set sysctl \(key)") { () throws(SystemCallError) in
                try Files.control("/proc/sys/" + setting.path, value)
            }
        }
    }
}
