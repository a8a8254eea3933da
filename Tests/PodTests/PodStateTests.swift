@testable import Pod
import Testing

@Suite struct PodStateTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var from: PodState
        var event: PodEvent
        var to: PodState
        var actions: [PodAction] = []
        var testDescription: String { "\(from) + \(event)" }
    }

    private static let empty = PodState.assigned(endsWithContainer: false, containers: [])
    private static let one = PodState.assigned(endsWithContainer: true, containers: ["a"])
    private static let two = PodState.assigned(endsWithContainer: false, containers: ["a", "b"])

    @Test(arguments: [
        Row(from: .unassigned, event: .assign(endsWithContainer: false), to: empty),
        Row(from: .unassigned, event: .shutDown, to: .stopping, actions: [.stopMachine]),
        Row(from: .unassigned, event: .machineEnded, to: .stopped, actions: [.reportKilledContainers, .finish]),
        Row(from: empty, event: .add("a"), to: .assigned(endsWithContainer: false, containers: ["a"])),
        Row(from: two, event: .remove("a"), to: .assigned(endsWithContainer: false, containers: ["b"])),
        Row(from: two, event: .containerEnded("a"), to: two),
        Row(from: two, event: .shutDown, to: .stopping, actions: [.stopMachine]),
        Row(from: two, event: .machineEnded, to: .stopped, actions: [.reportKilledContainers, .finish]),
        Row(from: one, event: .containerEnded("a"), to: .stopping, actions: [.stopMachine]),
        Row(from: .stopping, event: .machineEnded, to: .stopped, actions: [.reportKilledContainers, .finish]),
        Row(from: .stopping, event: .shutDown, to: .stopping),
        Row(from: .stopping, event: .containerEnded("a"), to: .stopping),
        Row(from: .stopping, event: .remove("a"), to: .stopping),
        Row(from: .stopped, event: .containerEnded("a"), to: .stopped),
        Row(from: .stopped, event: .remove("a"), to: .stopped),
        Row(from: .stopped, event: .shutDown, to: .stopped),
    ]) func eventLeadsToStateAndActions(_ row: Row) throws {
        var state = row.from
        #expect(try state.handle(row.event) == row.actions)
        #expect(state == row.to)
    }

    @Test(arguments: [
        (PodState.unassigned, PodEvent.add("a")), (.unassigned, .remove("a")), (.unassigned, .containerEnded("a")),
        (empty, .assign(endsWithContainer: true)), (empty, .remove("a")), (empty, .containerEnded("a")),
        (one, .add("a")), (one, .add("b")), (two, .add("a")), (.stopping, .add("a")), (.stopped, .add("a")),
        (.stopping, .assign(endsWithContainer: false)), (.stopped, .assign(endsWithContainer: false)),
        (.stopped, .machineEnded),
    ]) func illegalMovesChangeNothing(_ from: PodState, _ event: PodEvent) {
        var state = from
        #expect(throws: PodStateError(state: from, event: event)) { try state.handle(event) }
        #expect(state == from)
    }
}

@Suite struct ProcessStateTests {
    private static let end = ProcessEnd(status: 3, at: 1), other = ProcessEnd(status: 137, at: 2)

    @Test(arguments: [
        (ProcessState.created, ProcessEvent.start, ProcessState.starting), (.starting, .started, .running),
        (.starting, .startFailed(end), .stopped(end)), (.created, .ended(end), .stopped(end)),
        (.starting, .ended(end), .stopped(end)), (.running, .ended(end), .stopped(end)),
        (.stopped(end), .started, .stopped(end)), (.stopped(end), .ended(other), .stopped(end)),
        (.stopped(end), .startFailed(other), .stopped(end)),
    ]) func eventLeadsToState(_ from: ProcessState, _ event: ProcessEvent, _ to: ProcessState) throws {
        var state = from
        try state.handle(event)
        #expect(state == to)
    }

    @Test(arguments: [
        (ProcessState.created, ProcessEvent.started), (.created, .startFailed(end)), (.starting, .start),
        (.running, .start), (.running, .started), (.running, .startFailed(end)), (.stopped(end), .start),
    ]) func illegalMovesChangeNothing(_ from: ProcessState, _ event: ProcessEvent) {
        var state = from
        #expect(throws: ProcessStateError(state: from, event: event)) { try state.handle(event) }
        #expect(state == from)
    }
}
