/// What a pod may do next, with its containers. Pure: no clock, no input or output. The monitor's sandbox feeds it events
/// and performs its actions in order.
///
/// The life of the first container is the pod's: of the pause container, or of the only one of a pod that takes no other.
/// A pod whose pause container stands in for one that an engine has left out ends with the last of the others, too.
public struct PodState: Equatable, Sendable {
    public enum Phase: Equatable, Sendable {
        /// The machine boots or waits, and belongs to nobody.
        case unassigned
        /// It has its pod, whose first container does not run yet.
        case created
        /// The first container runs; others come and go.
        case ready
        /// It ends: no new containers.
        case stopping(Stage)
        case stopped
    }

    /// What a pod that ends waits for.
    public enum Stage: Equatable, Sendable {
        case otherContainers, firstContainer, machine
    }

    public private(set) var phase = Phase.unassigned
    public private(set) var containers: [String: ContainerPhase] = [:]
    /// The container whose life is the pod's.
    public private(set) var first: String?
    /// Shells in the guest itself. They are no containers, and keep no pod.
    public private(set) var shells: Set<String> = []
    private var takesOthers = false, endsWithLast = false

    public init() {}

    public var isEnding: Bool {
        switch phase {
        case .unassigned, .created, .ready: false
        case .stopping, .stopped: true
        }
    }

    /// Takes `event` in and says what is to be done.
    /// - Throws: when the state does not allow it; the state is unchanged then.
    public mutating func handle(_ event: PodEvent) throws(PodStateError) -> [PodAction] {
        switch (phase, event) {
        case (.unassigned, .assign(let takesOthers, let endsWithLast)):
            (phase, self.takesOthers, self.endsWithLast) = (.created, takesOthers, endsWithLast)
            return []
        case (.created, .addShell(let id)), (.ready, .addShell(let id)), (.stopping, .addShell(let id)):
            guard phase != .stopping(.machine), containers[id] == nil, !shells.contains(id) else {
                throw refused(event)
            }
            shells.insert(id)
            return []
        case (_, .removeShell(let id)):
            guard shells.remove(id) != nil else { throw refused(event) }
            return []
        case (_, .add(let id)) where shells.contains(id): throw refused(event)
        case (.created, .add(let id)) where first == nil:
            (first, containers[id]) = (id, .created)
            return []
        case (.ready, .add(let id)) where takesOthers && containers[id] == nil:
            containers[id] = .created
            return []
        case (.created, .started(let id)) where id == first && containers[id] == .created:
            (phase, containers[id]) = (.ready, .running)
            return []
        case (.ready, .started(let id)) where [.created, .restarting].contains(containers[id]):
            containers[id] = .running
            return []
        case (.ready, .restarts(let id)) where containers[id] == .running:
            containers[id] = .restarting
            return []
        case (.created, .ended(let id)), (.ready, .ended(let id)):
            guard let container = containers[id], container != .stopped else { throw refused(event) }
            containers[id] = .stopped
            return id == first ? stop() : endWithLast()
        case (.created, .remove(let id)), (.ready, .remove(let id)):
            guard let container = containers[id], !container.isAlive else { throw refused(event) }
            containers[id] = nil
            if id == first { first = nil }
            return endWithLast()
        case (.created, .stop), (.ready, .stop): return stop()
        case (.unassigned, .stop), (.unassigned, .shutDown), (.created, .shutDown), (.ready, .shutDown):
            return stopMachine()
        case (.stopping(let stage), .shutDown): return stage == .machine ? [] : stopMachine()
        // Somebody has let it go just before.
        case (.stopping(let stage), .started(let id)) where containers[id] == .created:
            containers[id] = .running
            return stage == .machine ? [] : [.stopContainers([id])]
        case (.stopping(let stage), .ended(let id)):
            guard containers[id]?.isAlive == true else {
                if containers[id] != nil { containers[id] = .stopped }
                return []
            }
            containers[id] = .stopped
            return stage == .machine ? [] : advance(stage)
        case (.unassigned, .machineEnded), (.created, .machineEnded), (.ready, .machineEnded),
            (.stopping, .machineEnded):
            phase = .stopped
            return [.reportKilledContainers, .finish]
        case (.stopping(let stage), .remove(let id)):
            let wasAlive = containers.removeValue(forKey: id)?.isAlive ?? false
            return wasAlive && stage != .machine ? advance(stage) : []
        case (.stopped, .remove(let id)):
            containers[id] = nil
            return []
        // Asked for again, or the end of a container that went with its machine.
        case (.stopping, .stop), (.stopped, .stop), (.stopped, .shutDown), (.stopped, .ended): return []
        case (.unassigned, _), (.created, _), (.ready, _), (.stopping, _), (.stopped, _): throw refused(event)
        }
    }

    /// Nothing, unless this was the last of the others.
    private mutating func endWithLast() -> [PodAction] {
        guard endsWithLast, first != nil, !containers.contains(where: { $0.key != first && $0.value != .stopped })
        else {
            return []
        }
        return stopMachine()
    }

    /// The first container last, since it holds what the others share.
    private mutating func stop() -> [PodAction] {
        phase = .stopping(.otherContainers)
        let others = aliveOthers
        return others.isEmpty ? advance(.otherContainers) : [.stopContainers(others)]
    }

    /// Called when a container has ended.
    private mutating func advance(_ stage: Stage) -> [PodAction] {
        guard aliveOthers.isEmpty else { return [] }
        guard let first, containers[first]?.isAlive == true else { return stopMachine() }
        guard stage == .otherContainers else { return [] }
        phase = .stopping(.firstContainer)
        return [.stopContainers([first])]
    }

    private mutating func stopMachine() -> [PodAction] {
        phase = .stopping(.machine)
        return [.stopMachine]
    }

    private var aliveOthers: [String] {
        containers.filter { $0.key != first && $0.value.isAlive }.keys.sorted()
    }

    private func refused(_ event: PodEvent) -> PodStateError { PodStateError(state: self, event: event) }
}

/// A container as far as its pod's state depends on it; `ProcessState` has the rest.
public enum ContainerPhase: Equatable, Sendable {
    /// Its program has not begun.
    case created
    case running
    /// Its program has ended and is about to be started again.
    case restarting
    case stopped

    /// Whether there is something to be stopped.
    public var isAlive: Bool {
        switch self {
        case .running, .restarting: true
        case .created, .stopped: false
        }
    }
}

public enum PodEvent: Equatable, Sendable {
    case assign(takesOthers: Bool, endsWithLast: Bool = false)
    /// A container is about to be made.
    case add(String)
    /// A container's program runs.
    case started(String)
    /// A container's program has ended, and will be started again.
    case restarts(String)
    /// A container has ended, or will never begin.
    case ended(String)
    /// A container could not be made, or has been deleted.
    case remove(String)
    /// A shell in the guest itself is about to be made, in a pod of any kind.
    case addShell(String)
    /// It has gone.
    case removeShell(String)
    /// Somebody wants the pod to end, its containers having their time for it.
    case stop
    /// Somebody wants the pod to end at once.
    case shutDown
    case machineEnded
}

public enum PodAction: Equatable, Sendable {
    /// Their stop signal, their grace, SIGKILL. In order of their ids.
    case stopContainers([String])
    case stopMachine
    /// Processes that nobody reported an end of went with the machine: 137, as engines show it for a killed process.
    case reportKilledContainers
    /// Undo everything and end the monitor.
    case finish
}

/// An event that the pod's state does not allow.
public struct PodStateError: Error, Equatable, Sendable, CustomStringConvertible {
    public let state: PodState
    public let event: PodEvent

    /// The event adds a container that is there, or about to be.
    public var isDuplicate: Bool {
        switch event {
        case .add(let id), .addShell(let id):
            state.phase != .stopped && (state.containers[id] != nil || state.shells.contains(id))
        case .assign, .started, .restarts, .ended, .remove, .removeShell, .stop, .shutDown, .machineEnded: false
        }
    }

    public var description: String {
        switch (state.phase, event) {
        case (.unassigned, .add), (.unassigned, .addShell): "the machine has not been assigned to a pod"
        case (_, .assign): "the machine has been assigned to a pod"
        case (_, .add(let id)) where isDuplicate: "container \(id) exists"
        case (_, .addShell(let id)) where isDuplicate: "shell \(id) exists"
        case (_, .removeShell(let id)): "no shell \(id)"
        case (.stopping, .add), (.stopping, .addShell), (.stopping, .started), (.stopping, .restarts):
            "the pod is ending"
        case (.stopped, _): "the pod has ended"
        case (.created, .add): "the pod is not ready: its first container has not been started"
        case (.ready, .add): "the pod is of one container and has it"
        case (_, .started(let id)), (_, .restarts(let id)), (_, .ended(let id)), (_, .remove(let id)):
            switch state.containers[id] {
            case nil: "no container \(id)"
            case .created: "container \(id) has not been started"
            case .running, .restarting: "container \(id) is running"
            case .stopped: "container \(id) has ended"
            }
        case (_, .add), (_, .addShell), (_, .stop), (_, .shutDown), (_, .machineEnded): "not in this state: \(event)"
        }
    }
}
