/// What a pod may do next. Pure: no clock, no input or output. The monitor's sandbox feeds it events and performs its
/// actions in order.
public enum PodState: Equatable, Sendable {
    /// The machine boots or waits, and belongs to nobody.
    case unassigned
    /// It has its pod, and takes containers.
    case assigned(endsWithContainer: Bool, containers: Set<String>)
    /// It ends: no new containers, the machine is about to go.
    case stopping
    case stopped

    public init() { self = .unassigned }

    /// Takes `event` in and says what is to be done.
    /// - Throws: when the state does not allow it; the state is unchanged then.
    public mutating func handle(_ event: PodEvent) throws(PodStateError) -> [PodAction] {
        switch (self, event) {
        case (.unassigned, .assign(let endsWithContainer)):
            self = .assigned(endsWithContainer: endsWithContainer, containers: [])
            return []
        case (.assigned(let ends, let containers), .add(let id)) where !containers.contains(id):
            guard !ends || containers.isEmpty else { throw PodStateError(state: self, event: event) }
            self = .assigned(endsWithContainer: ends, containers: containers.union([id]))
            return []
        case (.assigned(let ends, let containers), .remove(let id)) where containers.contains(id):
            self = .assigned(endsWithContainer: ends, containers: containers.subtracting([id]))
            return []
        case (.assigned(endsWithContainer: true, let containers), .containerEnded(let id)) where containers.contains(id):
            self = .stopping
            return [.stopMachine]
        case (.assigned(_, let containers), .containerEnded(let id)) where containers.contains(id):
            return []
        case (.unassigned, .shutDown), (.assigned, .shutDown):
            self = .stopping
            return [.stopMachine]
        // Nobody asked for this death, so it is never a success.
        case (.unassigned, .machineEnded), (.assigned, .machineEnded):
            self = .stopped
            return [.reportKilledContainers, .finish]
        case (.stopping, .machineEnded):
            self = .stopped
            return [.reportKilledContainers, .finish]
        // Asked for again, or the end of a container that went with its machine.
        case (.stopping, .shutDown), (.stopping, .containerEnded), (.stopped, .containerEnded), (.stopped, .shutDown),
            (.stopping, .remove), (.stopped, .remove):
            return []
        case (.unassigned, _), (.assigned, _), (.stopping, _), (.stopped, _):
            throw PodStateError(state: self, event: event)
        }
    }
}

public enum PodEvent: Equatable, Sendable {
    case assign(endsWithContainer: Bool)
    /// A container is about to be made.
    case add(String)
    /// A container could not be made, or has been deleted.
    case remove(String)
    case containerEnded(String)
    /// Somebody wants the pod to end.
    case shutDown
    case machineEnded
}

public enum PodAction: Equatable, Sendable {
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
        guard case .assigned(_, let containers) = state, case .add(let id) = event else { return false }
        return containers.contains(id)
    }

    public var description: String {
        switch (state, event) {
        case (.unassigned, .add): "the machine has not been assigned to a pod"
        case (.assigned, .assign): "the machine has been assigned to a pod"
        case (.assigned(_, let containers), .add(let id)) where containers.contains(id): "container \(id) exists"
        case (.assigned, .add): "the pod is of one container and has it"
        case (_, .remove(let id)), (_, .containerEnded(let id)): "no container \(id)"
        case (.stopping, _), (.stopped, _): "the pod has ended"
        case (.unassigned, _), (.assigned, _): "not in this state: \(event)"
        }
    }
}
