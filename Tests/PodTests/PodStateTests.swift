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

    @Test(arguments: [
        (two, PodEvent.add("a"), true), (one, .add("a"), true), (one, .add("b"), false),
        (PodState.stopped, .add("a"), false),
        (.unassigned, .add("a"), false), (two, .assign(endsWithContainer: false), false),
    ]) func aContainerThatIsThereIsToldApart(_ state: PodState, _ event: PodEvent, _ isDuplicate: Bool) {
        #expect(PodStateError(state: state, event: event).isDuplicate == isDuplicate)
    }
}

@Suite struct ProcessStateTests {
    private static let end = ProcessEnd(status: 3, at: 1), other = ProcessEnd(status: 137, at: 2)

    private static let states: [ProcessState] = [
        .created, .starting, .running, .pausing, .paused, .resuming, .stopped(end),
    ]
    private static let events: [ProcessEvent] = [
        .start, .started, .startFailed(other), .pause, .paused, .pauseFailed, .resume, .resumed, .resumeFailed,
        .ended(other),
    ]

    struct Row: Sendable, CustomTestStringConvertible {
        let from: ProcessState, event: ProcessEvent, to: ProcessState
        init(_ from: ProcessState, _ event: ProcessEvent, _ to: ProcessState) {
            (self.from, self.event, self.to) = (from, event, to)
        }
        var testDescription: String { "\(from) + \(event)" }
    }

    private static let legal = [
        Row(.created, .start, .starting), Row(.created, .ended(other), .stopped(other)),
        Row(.starting, .started, .running), Row(.starting, .startFailed(other), .stopped(other)),
        Row(.starting, .ended(other), .stopped(other)),
        Row(.running, .pause, .pausing), Row(.running, .ended(other), .stopped(other)),
        Row(.pausing, .paused, .paused), Row(.pausing, .pauseFailed, .running),
        Row(.pausing, .ended(other), .stopped(other)),
        Row(.paused, .resume, .resuming), Row(.paused, .ended(other), .stopped(other)),
        Row(.resuming, .resumed, .running), Row(.resuming, .resumeFailed, .paused),
        Row(.resuming, .ended(other), .stopped(other)),
        Row(.stopped(end), .started, .stopped(end)), Row(.stopped(end), .startFailed(other), .stopped(end)),
        Row(.stopped(end), .paused, .stopped(end)), Row(.stopped(end), .pauseFailed, .stopped(end)),
        Row(.stopped(end), .resumed, .stopped(end)), Row(.stopped(end), .resumeFailed, .stopped(end)),
        Row(.stopped(end), .ended(other), .stopped(end)),
    ]

    /// Every state with every event that no row above allows.
    private static let illegal = states.flatMap { state in
        events.map { Row(state, $0, state) }
    }.filter { row in !legal.contains { ($0.from, $0.event) == (row.from, row.event) } }

    @Test(arguments: legal) func eventLeadsToState(_ row: Row) throws {
        var state = row.from
        try state.handle(row.event)
        #expect(state == row.to)
    }

    @Test(arguments: illegal) func illegalMovesChangeNothing(_ row: Row) {
        var state = row.from
        #expect(throws: ProcessStateError(state: row.from, event: row.event)) { try state.handle(row.event) }
        #expect(state == row.from)
    }

    @Test(arguments: [
        (ProcessState.created, ProcessEvent.pause, "it is not running"), (.running, .resume, "it is not paused"),
        (.paused, .pause, "it is paused"), (.paused, .start, "it is paused"), (.running, .start, "it has been started"),
        (.stopped(end), .pause, "it has ended"), (.stopped(end), .resume, "it has ended"),
    ]) func aRefusalSaysWhy(_ state: ProcessState, _ event: ProcessEvent, _ reason: String) {
        #expect(ProcessStateError(state: state, event: event).description == reason)
    }
}
