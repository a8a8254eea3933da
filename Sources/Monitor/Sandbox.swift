import EventLog
import EventLoop
import Linux
import Pod
import PodDirectory
import QEMU
import Templates
import TaskAPI

/// A pod: its machine, its containers and what it holds on the host. Knows no protocol; `TaskServer` speaks for it.
@EventLoop final class Sandbox {
    /// How long a reader that has stopped reading may hold the report of an exit back.
    static let readerLimit: Duration = .seconds(2)
    /// How long a process that deletes itself may be announced without a start.
    static let unstartedExecLimit: Duration = .seconds(60)
    /// How long the end of a process that deletes itself can be asked for.
    static let unclaimedEndLimit: Duration = .seconds(5)
    /// How much later than its link's end a machine's may come.
    static let linkLead: Duration = .seconds(2)
    /// How long a monitor whose machine did not come up stays to say so.
    private static let tellingLimit: Duration = .seconds(5)

    var id: String { directory.paths.id }
    /// It is no spare, or no longer.
    var isPod: Bool { directory.paths.kind == .pod }
    /// Of the machine.
    private(set) var memoryMiB: Int, vCPUs: Int
    let guest: Guest
    /// The process that undoes what this one could not.
    var reaper: Int32?
    let share: any Share
    let handOver = HandOverSocket()
    private(set) var state = PodState()
    var containers: [String: SandboxContainer] = [:]
    /// Of containers that are being made, by id.
    var creations: [String: Promise<Void>] = [:]
    /// Of containers, by their ids, also of those that are being made.
    var projections: [String: [Projection]] = [:]
    let projectionWatch = ProjectionWatch { () throws(SystemCallError) in try Inotify() }
    /// Shells in the guest itself, by their ids, which are no container's.
    var shells: [String: SandboxContainer] = [:]
    private var journal = Journal()
    /// Nil when nobody wants them.
    private let events: EventLogWriter?
    /// Nil when nothing is to be kept of a failure.
    let failed: FailedPods?
    /// Of the failure that something has been kept of.
    var failureIsKept = false
    let timings: Timings
    /// The machine has waited for this pod.
    var wasSpare = false
    /// Why the machine is no clone, when it might have been one.
    var noClone: String?
    /// Called when the first program runs.
    var firstProgramRuns: (() -> Void)?
    /// QEMU's.
    var arguments: [String] { guest.arguments }
    /// What the machine is a clone of, or was to be: its memory is found here by others.
    private let template: Template?
    /// What the pod and its containers are called, the youngest last.
    private(set) var members: [FailedPod.Member] = []
    /// Everything that was made is undone, except what the journal lists.
    nonisolated let finished = Promise<Void>()
    let directory: PodDirectory
    /// The first container's, when its engine has made one.
    var sharedMemory: EngineSharedMemory?
    /// What the containers share with the first one; nil before there is a pod.
    var sharing: PodSharing?
    /// When the pause container runs, or why it does not. Fulfilled for a pod without one when it is assigned.
    nonisolated let pauseRuns = Promise<Result<Void, SandboxError>>()
    /// Of every container that ends with the pod, when somebody has given one.
    var stopTime: Duration?
    /// A container that has been made keeps the pod.
    private(set) var keepsCreated = false
    /// The monitor stays after the pod's end, until it is told to go.
    private var staysAfterEnd = false
    private nonisolated let mayGo = Promise<Void>()
    /// Somebody has been told why the machine did not come up.
    private nonisolated let failureTold = Promise<Void>()
    private(set) var isShuttingDown = false
    /// Somebody wanted the pod's end.
    private(set) var wasShutDown = false
    /// Why the machine ended when nobody wanted it to.
    private var machineEnd = ""

    /// Starts the machine; it boots meanwhile.
    ///
    /// - Parameters:
    ///   - machine: that boots, if it is to be no clone.
    ///   - choice: of what the machine is to be a clone.
    ///   - directory: where what is acquired is written down; the sandbox does not remove it.
    ///   - events: the directory of this host's events, or empty.
    ///   - failed: the directory of what is kept of pods that failed, or empty.
    ///   - limit: how long the agent may take to answer.
    init(
        _ machine: MachineConfiguration, cloning choice: TemplateChoice, share: any Share, directory: PodDirectory,
        events: String,
        failed: String, within limit: Duration, launcher: String, timings: Timings
    ) throws {
        (memoryMiB, vCPUs) = (machine.memoryMiB, machine.vCPUs)
        template = choice.template
        let saved = try template?.takeSavedMachine()
        guest = try Guest(
            saved == nil ? machine : choice.machine, or: machine, launcher: launcher, root: directory.paths.machine,
            sharing: saved, timings: timings)
        choice.load(into: guest)
        self.timings = timings
        self.failed = failed.isEmpty ? nil : FailedPods(directory: failed)
        self.share = share
        self.directory = directory
        self.events = events.isEmpty ? nil : EventLogWriter(directory: events)
        if !events.isEmpty { try journal.note(.events(events), in: directory) }
        try noteMachine(guest.pid)
        guest.machineWasReplaced = { [unowned self] pid in
            // It dies with this process all the same.
            try? self.noteMachine(pid)
        }
        Task { @EventLoop in
            await self.guest.boot(mounting: [share.mount], within: limit)
            if let failure = self.guest.failure { self.keepFailure(failure.description) }
        }
        Task { @EventLoop in
            _ = try? await self.guest.ended.value()  // Never cancelled.
            if !self.isShuttingDown {
                self.machineEnd = await self.guest.reasonOfEnd()
                // Before anybody is told.
                self.keepFailure(self.machineEnd)
            }
            self.handle(.machineEnded)
        }
    }

    /// After its start for once: it dies with this process by itself, and this is for the case that it does not.
    private func noteMachine(_ pid: Int32) throws {
        guard let startTime = ProcessTime.start(of: pid) else { return }
        try journal.note(.process(pid: pid, startTime: startTime), in: directory)
    }

    // MARK: The pod

    func assign(_ request: AssignRequest) throws(SandboxError) {
        try checkMachine()
        try join(request.cgroups)
        try apply(
            .assign(
                takesOthers: !request.endsWithContainer || request.takesOthers, endsWithLast: request.endsWithLast))
        keepsCreated = request.keepsCreated
        setSize(
            MachineSize(
                memoryMiB: request.memoryMiB > 0 ? Int(request.memoryMiB) : memoryMiB,
                vCPUs: request.vCPUs > 0 ? Int(request.vCPUs) : vCPUs))
        guest.grow(toMemoryMiB: memoryMiB, vCPUs: vCPUs)
        timings.note(.podAssigned)
        staysAfterEnd = !request.endsWithContainer && request.pause == nil
        sharing = PodSharing(request.pause)
        if let pause = request.pause {
            try startPause(pause)
        } else {
            pauseRuns.fulfil(.success(()))
        }
    }

    /// What the machine is to have, as far as it goes. One that boots has what it was started with.
    private func setSize(_ wanted: MachineSize) {
        guard let largest = guest.largest else { return }
        (memoryMiB, vCPUs) = (min(wanted.memoryMiB, largest.memoryMiB), min(wanted.vCPUs, largest.vCPUs))
    }

    /// Has the machine be so large at least, as far as the host goes.
    /// - Throws: for a machine that cannot grow.
    func grow(_ request: GrowRequest) async throws -> GrowResponse {
        try await waitForMachine()
        let wanted = MachineSize(
            memoryMiB: max(memoryMiB, Int(request.memoryMiB)), vCPUs: max(vCPUs, Int(request.vCPUs)))
        guard guest.largest != nil else {
            let size = MachineSize(memoryMiB: memoryMiB, vCPUs: vCPUs)
            do {
                try size.check(needing: wanted)
            } catch {
                throw SandboxError(.failedPrecondition, "\(error); one that has booted does not grow")
            }
            return GrowResponse(memoryMiB: UInt32(memoryMiB), vCPUs: UInt32(vCPUs))
        }
        setSize(wanted)
        guest.grow(toMemoryMiB: memoryMiB, vCPUs: vCPUs)
        try await guest.waitForGrowth()
        return GrowResponse(memoryMiB: UInt32(memoryMiB), vCPUs: UInt32(vCPUs))
    }

    /// Suspends until a machine that has waited for this pod answers. One that does not is no pod's: its front end has
    /// another one start, as long as nothing of the pod is here.
    func waitUntilItGoesOn() async throws(SandboxError) {
        do {
            try await guest.renewal?.value
        } catch {
            throw wasShutDown
                ? .podWasStopped : SandboxError(.unavailable, "the machine that waited for it does not go on: \(error)")
        }
    }

    /// - Throws: why the machine did not come up, if it did not.
    func checkMachine() throws(SandboxError) {
        guard !wasShutDown else { throw .podWasStopped }
        guard let failure = guest.failure else { return }
        failureTold.fulfil(())
        throw failure
    }

    /// Suspends until the machine takes containers.
    func waitForMachine() async throws {
        // Cancelled is not told.
        try? await guest.waitUntilReady()
        try checkMachine()
        try Task.checkCancellation()
    }

    /// Ends the pod: its machine goes, and its processes with it.
    func shutDown() {
        wasShutDown = true
        mayGo.fulfil(())
        handle(.shutDown)
    }

    /// Ends the pod, its containers having their time for it.
    func stop(_ request: StopRequest) {
        wasShutDown = true
        mayGo.fulfil(())
        stopTime = request.seconds.map { .seconds(Int64($0)) }
        handle(.stop)
    }

    /// Whether containers have ended, and the pod with them, without anybody asking for the pod's end.
    var hasUnexpectedEnd: Bool { !wasShutDown && !containers.isEmpty }

    /// Whether nobody would ever end the pod: it has no container that has been started, or that keeps it nevertheless.
    var isIdle: Bool {
        keepsCreated
            ? containers.keys.allSatisfy { $0 == id } : containers.values.allSatisfy { $0.main.state == .created }
    }

    /// How long a machine that has been ended may take to be gone.
    private static let machineEndLimit: Duration = .seconds(10)

    /// Moves the pod, or when its machine ends what is left of it then.
    func move(_ request: MoveRequest) async throws {
        if state.phase == .stopping(.machine) || state.phase == .stopped {
            try await within(Self.machineEndLimit, waitingFor: "end of the machine") {
                _ = try await self.guest.ended.value()
            }
        }
        try join(request.cgroups)
    }

    /// Moves the pod's processes.
    private func join(_ cgroups: [String]) throws(SandboxError) {
        var processes = [CurrentProcess.id] + (reaper.map { [$0] } ?? [])
        // Another one may have its number since.
        if guest.ended.current == nil { processes.append(guest.pid) }
        for cgroup in cgroups {
            for process in processes {
                do {
                    try Cgroup.move(process, into: cgroup)
                } catch {
                    // Of one that has just ended whoever watches it will tell.
                    guard error.code != ErrorNumber.noProcess else { continue }
                    throw SandboxError(.failedPrecondition, "the pod cannot move into its cgroup: \(error)")
                }
            }
        }
    }

    func apply(_ event: PodEvent) throws(SandboxError) {
        let actions: [PodAction]
        do {
            actions = try state.handle(event)
        } catch {
            throw SandboxError(error.isDuplicate ? .alreadyExists : .failedPrecondition, "\(error)")
        }
        for action in actions { perform(action) }
    }

    /// For events that come by themselves: none is refused.
    func handle(_ event: PodEvent) {
        try? apply(event)
    }

    private func perform(_ action: PodAction) {
        switch action {
        case .stopContainers(let ids):
            for id in ids { Task { @EventLoop in await self.stopContainer(id) } }
        case .stopMachine:
            isShuttingDown = true
            Task { @EventLoop in await self.guest.kill() }
        case .reportKilledContainers:
            let end = ProcessEnd(status: Signal.killedStatus, at: WallClock.now, reason: machineEnd)
            for container in Array(containers.values) + Array(shells.values) {
                for process in container.execs.values { report(end, of: process, in: container) }
                report(end, of: container.main, in: container)
                // It waited for its next start, and its last end stays.
                guard container.status.phase == .restarting else { continue }
                container.status.phase = .exited
                save(container)
            }
        case .finish:
            Task { @EventLoop in
                await self.lingerAfterFailure()
                if self.staysAfterEnd { _ = try? await self.mayGo.value() }  // Never cancelled.
                self.finished.fulfil(())
            }
        }
    }

    /// A machine that never came up is somebody's failed start, who is to learn why; but not waited for long.
    private func lingerAfterFailure() async {
        guard !isShuttingDown, (try? await guest.waitUntilReady()) == nil else { return }
        _ = try? await within(Self.tellingLimit, waitingFor: "a front end to tell") {
            try await self.failureTold.value()
        }
    }

    /// Writes down what the container will hold, before it does.
    func note(_ entry: JournalEntry) throws(SandboxError) {
        do {
            try journal.note(entry, in: directory)
        } catch  where error.code == ErrorNumber.tooLarge {
            throw SandboxError(
                .resourceExhausted, "the pod has too many containers: remove some that have ended, and try again")
        } catch {
            throw SandboxError(.internal, "the pod's journal cannot be written: \(error)")
        }
        guard case .record(_, _, _, let subject?) = entry else { return }
        members.removeAll { $0.id == subject.id }
        members.append(FailedPod.Member(id: subject.id, name: subject.attributes["name"] ?? ""))
        if members.count > FailedPod.maximumMembers { members.removeFirst() }
    }

    /// Says to the host that something happened to a container, or to the pod when it is the pause container.
    func emit(_ action: String, _ container: SandboxContainer, _ more: [String: String] = [:]) {
        guard let subject = container.subject else { return }
        emit(Event(subject, action, at: WallClock.now, more))
    }

    func emit(_ event: Event) {
        do {
            try events?.append(event)
        } catch {
            warn("the event \(event.action) of \(event.id) is not written: \(error)")
        }
    }

    func container(_ id: String) throws(SandboxError) -> SandboxContainer {
        guard let container = containers[id] ?? shells[id] else { throw SandboxError(.notFound, "no container \(id)") }
        return container
    }

    /// Removes a container's record, if it is to go with the container.
    func removeRecord(of container: SandboxContainer) throws {
        guard let record = journal.records[container.record], record.removed else { return }
        try PodDirectory.removeRecord(record.path, link: record.link)
        journal.forget(record.path)
        if let subject = record.subject { emit(Event(subject, "destroy", at: WallClock.now)) }
    }

    /// Takes what every container has of the host away, once the machine is gone and everybody has been told.
    func cleanUp() {
        func attempt(_ body: () throws -> Void) {
            do {
                try body()
            } catch {
                warn("\(error)")
            }
        }
        for projection in projections.values.flatMap(\.self) { projection.close() }
        for id in containers.keys { attempt { try share.detach(id) } }
        for record in journal.records.values where record.removed {
            let wasThere = Files.exists(record.path)
            attempt { try PodDirectory.removeRecord(record.path, link: record.link) }
            if wasThere, let subject = record.subject { emit(Event(subject, "destroy", at: WallClock.now)) }
        }
    }
}
