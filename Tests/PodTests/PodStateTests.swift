@testable import Pod
import Testing

@Suite struct PodStateTests {
    /// The state that these events lead to from the beginning.
    private static func after(_ events: PodEvent...) -> PodState {
        var state = PodState()
        for event in events { _ = try? state.handle(event) }
        return state
    }

    private static let shared: PodEvent = .assign(takesOthers: true), single: PodEvent = .assign(takesOthers: false)

    private static let unassigned = PodState()
    private static let empty = after(shared)
    /// Its pause container is there, and does not run.
    private static let created = after(shared, .add("p"))
    private static let ready = after(shared, .add("p"), .started("p"))
    /// With a container that runs, one that waits for its start, one that has ended and one that is to begin again.
    private static let busy = after(
        shared, .add("p"), .started("p"), .add("a"), .started("a"), .add("b"), .add("c"), .started("c"), .ended("c"),
        .add("d"), .started("d"), .restarts("d"))
    private static let one = after(single, .add("a"), .started("a"))
    private static let shelled = after(single, .add("a"), .started("a"), .addShell("s"))
    private static let shelledStopped = after(single, .add("a"), .started("a"), .addShell("s"), .machineEnded)
    /// Its pause container stands in for another.
    private static let standIn = after(.assign(takesOthers: true, endsWithLast: true), .add("p"), .started("p"))
    private static func standIn(with events: PodEvent...) -> PodState {
        var state = standIn
        for event in [.add("a"), .started("a")] + events { _ = try? state.handle(event) }
        return state
    }
    private static let stoppingOthers = after(
        shared, .add("p"), .started("p"), .add("a"), .started("a"), .add("b"), .stop)
    private static let stoppingFirst = after(shared, .add("p"), .started("p"), .add("b"), .stop)
    private static let stoppingMachine = after(shared, .add("p"), .started("p"), .add("a"), .started("a"), .shutDown)
    private static let stopped = after(shared, .add("p"), .machineEnded)

    struct Row: Sendable, CustomTestStringConvertible {
        let from: PodState, event: PodEvent
        var phase: PodState.Phase
        var actions: [PodAction] = []
        init(_ from: PodState, _ event: PodEvent, _ phase: PodState.Phase, _ actions: [PodAction] = []) {
            (self.from, self.event, self.phase, self.actions) = (from, event, phase, actions)
        }
        var testDescription: String { "\(from.phase) \(from.containers) + \(event)" }
    }

    private static let goes: [PodAction] = [.reportKilledContainers, .finish]

    private static let legal =
        [
            Row(unassigned, shared, .created), Row(unassigned, single, .created),
            Row(unassigned, .stop, .stopping(.machine), [.stopMachine]),
            Row(unassigned, .shutDown, .stopping(.machine), [.stopMachine]),
            Row(unassigned, .machineEnded, .stopped, goes),

            Row(empty, .add("p"), .created), Row(empty, .add("s"), .created), Row(ready, .add("s"), .ready),
            Row(busy, .add("s"), .ready),
            Row(empty, .stop, .stopping(.machine), [.stopMachine]),
            Row(empty, .shutDown, .stopping(.machine), [.stopMachine]), Row(empty, .machineEnded, .stopped, goes),

            Row(created, .started("p"), .ready), Row(created, .remove("p"), .created),
            Row(created, .ended("p"), .stopping(.machine), [.stopMachine]),
            Row(created, .stop, .stopping(.machine), [.stopMachine]),
            Row(created, .shutDown, .stopping(.machine), [.stopMachine]), Row(created, .machineEnded, .stopped, goes),

            Row(ready, .restarts("p"), .ready),
            Row(ready, .ended("p"), .stopping(.machine), [.stopMachine]),
            Row(ready, .stop, .stopping(.firstContainer), [.stopContainers(["p"])]),
            Row(ready, .shutDown, .stopping(.machine), [.stopMachine]), Row(ready, .machineEnded, .stopped, goes),

            Row(busy, .started("b"), .ready), Row(busy, .started("d"), .ready), Row(busy, .restarts("a"), .ready),
            Row(busy, .restarts("p"), .ready),
            Row(busy, .ended("a"), .ready), Row(busy, .ended("b"), .ready), Row(busy, .ended("d"), .ready),
            Row(busy, .ended("p"), .stopping(.otherContainers), [.stopContainers(["a", "d"])]),
            Row(busy, .remove("b"), .ready), Row(busy, .remove("c"), .ready), Row(busy, .add("e"), .ready),
            Row(busy, .stop, .stopping(.otherContainers), [.stopContainers(["a", "d"])]),
            Row(busy, .shutDown, .stopping(.machine), [.stopMachine]), Row(busy, .machineEnded, .stopped, goes),

            Row(standIn, .add("a"), .ready), Row(standIn(with: .add("b")), .ended("a"), .ready),
            Row(standIn(with: .add("b"), .ended("a")), .remove("a"), .ready),
            Row(standIn(with: .add("b"), .ended("a")), .remove("b"), .stopping(.machine), [.stopMachine]),
            Row(standIn(with: .add("b"), .ended("a")), .ended("b"), .stopping(.machine), [.stopMachine]),
            Row(standIn(with: .add("a")), .ended("a"), .stopping(.machine), [.stopMachine]),
            Row(standIn(with: .add("a")), .ended("p"), .stopping(.otherContainers), [.stopContainers(["a"])]),

            Row(one, .ended("a"), .stopping(.machine), [.stopMachine]), Row(one, .restarts("a"), .ready),
            Row(one, .stop, .stopping(.firstContainer), [.stopContainers(["a"])]),
            Row(one, .shutDown, .stopping(.machine), [.stopMachine]), Row(one, .machineEnded, .stopped, goes),

            Row(stoppingOthers, .ended("a"), .stopping(.firstContainer), [.stopContainers(["p"])]),
            Row(stoppingOthers, .ended("p"), .stopping(.otherContainers)),
            Row(stoppingOthers, .started("b"), .stopping(.otherContainers), [.stopContainers(["b"])]),
            Row(stoppingOthers, .ended("b"), .stopping(.otherContainers)),
            Row(stoppingOthers, .remove("b"), .stopping(.otherContainers)),
            Row(stoppingOthers, .stop, .stopping(.otherContainers)),
            Row(stoppingOthers, .shutDown, .stopping(.machine), [.stopMachine]),
            Row(stoppingOthers, .machineEnded, .stopped, goes),

            Row(stoppingFirst, .ended("p"), .stopping(.machine), [.stopMachine]),
            Row(stoppingFirst, .started("b"), .stopping(.firstContainer), [.stopContainers(["b"])]),
            Row(stoppingFirst, .ended("b"), .stopping(.firstContainer)),
            Row(stoppingFirst, .stop, .stopping(.firstContainer)),
            Row(stoppingFirst, .remove("b"), .stopping(.firstContainer)),
            Row(stoppingFirst, .shutDown, .stopping(.machine), [.stopMachine]),
            Row(stoppingFirst, .machineEnded, .stopped, goes),

            Row(stoppingMachine, .ended("a"), .stopping(.machine)),
            Row(stoppingMachine, .ended("p"), .stopping(.machine)),
            Row(stoppingMachine, .stop, .stopping(.machine)), Row(stoppingMachine, .shutDown, .stopping(.machine)),
            Row(stoppingMachine, .machineEnded, .stopped, goes),
            // Any pod that has a machine takes a shell, which ends nothing and keeps nothing.
            Row(empty, .addShell("s"), .created), Row(created, .addShell("s"), .created),
            Row(ready, .addShell("s"), .ready), Row(busy, .addShell("s"), .ready), Row(one, .addShell("s"), .ready),
            Row(stoppingOthers, .addShell("s"), .stopping(.otherContainers)),
            Row(stoppingFirst, .addShell("s"), .stopping(.firstContainer)),
            Row(shelled, .addShell("t"), .ready), Row(shelled, .removeShell("s"), .ready),
            Row(shelled, .restarts("a"), .ready), Row(shelled, .ended("a"), .stopping(.machine), [.stopMachine]),
            Row(shelled, .stop, .stopping(.firstContainer), [.stopContainers(["a"])]),
            Row(shelled, .shutDown, .stopping(.machine), [.stopMachine]), Row(shelled, .machineEnded, .stopped, goes),
            Row(shelledStopped, .removeShell("s"), .stopped), Row(shelledStopped, .stop, .stopped),
            Row(shelledStopped, .shutDown, .stopped),

            Row(stopped, .ended("p"), .stopped), Row(stopped, .stop, .stopped), Row(stopped, .shutDown, .stopped),
        ] + [empty, created, ready, busy, one].map { Row($0, .addShell("t"), $0.phase) }
        + [stoppingOthers, stoppingFirst].map { Row($0, .addShell("t"), $0.phase) }
        + ["a", "b", "c", "d", "e"].flatMap { [Row(empty, .add($0), .created), Row(ready, .add($0), .ready)] }

    /// Of a pod that ends, whatever was there may be taken away and may end, once more as well.
    private static func isAlwaysHeard(_ state: PodState, _ event: PodEvent) -> Bool {
        switch (state.phase, event) {
        case (.stopping, .ended), (.stopping, .remove), (.stopped, .ended), (.stopped, .remove): true
        default: false
        }
    }

    private static let states = [
        unassigned, empty, created, ready, busy, one, shelled, shelledStopped, stoppingOthers, stoppingFirst,
        stoppingMachine, stopped,
    ]
    private static let events: [PodEvent] =
        [shared, single, .stop, .shutDown, .machineEnded, .add("s")]
        + ["s", "t"].flatMap { [.addShell($0), .removeShell($0)] as [PodEvent] }
        + ["p", "a", "b", "c", "d", "e"].flatMap {
            [.add($0), .started($0), .restarts($0), .ended($0), .remove($0)] as [PodEvent]
        }

    /// Every state with every event that no row above allows.
    private static let illegal = states.flatMap { state in events.map { Row(state, $0, state.phase) } }.filter { row in
        !isAlwaysHeard(row.from, row.event) && !legal.contains { ($0.from, $0.event) == (row.from, row.event) }
    }

    @Test(arguments: legal) func eventLeadsToStateAndActions(_ row: Row) throws {
        var state = row.from
        #expect(try state.handle(row.event) == row.actions)
        #expect(state.phase == row.phase)
    }

    @Test(arguments: illegal) func illegalMovesChangeNothing(_ row: Row) {
        var state = row.from
        #expect(throws: PodStateError(state: row.from, event: row.event)) { try state.handle(row.event) }
        #expect(state == row.from)
    }

    @Test func whatATableCannotSay() throws {
        #expect(
            Self.busy.containers == [
                "p": .running, "a": .running, "b": .created, "c": .stopped, "d": .restarting,
            ])
        #expect(Self.illegal.count > 150)
        #expect(Self.shelled.containers == ["a": .running] && Self.shelled.shells == ["s"])
        var replaced = Self.busy
        _ = try replaced.handle(.remove("c"))
        _ = try replaced.handle(.add("c"))
        #expect(replaced.containers["c"] == .created)
        // A pod that has lost what would have been its first container takes another.
        var again = Self.created
        _ = try again.handle(.remove("p"))
        #expect(again.first == nil)
        #expect(try again.handle(.add("q")) == [])
        #expect(again.first == "q")
    }

    @Test func theLastContainerThatStopsStopsThePod() throws {
        var state = Self.busy
        #expect(try state.handle(.ended("p")) == [.stopContainers(["a", "d"])])
        #expect(try state.handle(.ended("a")) == [])
        #expect(try state.handle(.ended("d")) == [.stopMachine])
        #expect(try state.handle(.machineEnded) == Self.goes)
    }

    @Test(arguments: [
        (unassigned, PodEvent.add("a"), "the machine has not been assigned to a pod"),
        (created, .add("a"), "the pod is not ready: its first container has not been started"),
        (one, .add("b"), "the pod is of one container and has it"), (busy, .add("b"), "container b exists"),
        (stoppingOthers, .add("c"), "the pod is ending"), (stopped, .add("c"), "the pod has ended"),
        (busy, .started("c"), "container c has ended"), (busy, .remove("a"), "container a is running"),
        (busy, .remove("e"), "no container e"), (shelled, .add("s"), "container s exists"),
        (shelled, .addShell("s"), "shell s exists"), (one, .addShell("a"), "shell a exists"),
        (one, .removeShell("s"), "no shell s"), (stoppingMachine, .addShell("s"), "the pod is ending"),
        (unassigned, .addShell("s"), "the machine has not been assigned to a pod"),
        (ready, shared, "the machine has been assigned to a pod"),
    ]) func aRefusalSaysWhy(_ state: PodState, _ event: PodEvent, _ reason: String) {
        #expect(PodStateError(state: state, event: event).description == reason)
    }

    @Test(arguments: [
        (busy, PodEvent.add("a"), true), (one, .add("a"), true), (one, .add("b"), false), (busy, .add("e"), false),
        (stopped, .add("a"), false), (unassigned, .add("a"), false), (busy, shared, false),
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
