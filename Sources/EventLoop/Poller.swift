import Linux

/// The kernel's side of the loop: descriptors and timers.
@EventLoop final class Poller {
    static let shared: Poller = {
        do {
            return try Poller(wakeUp: EventLoop.executor.wakeUp)
        } catch {
            // Three descriptors at a process's start: without them there is no process to speak of.
            preconditionFailure("no event loop: \(error)")
        }
    }()

    private let epoll: Epoll
    private let timer: TimerFD
    private var timers = TimerQueue()
    private var armedFor: UInt64?
    private var handlers: [UInt64: @EventLoop (Epoll.Interest) -> Void] = [:]
    private var nextToken: UInt64 = 2
    private static let wakeUpToken: UInt64 = 0, timerToken: UInt64 = 1

    private init(wakeUp: borrowing EventFD) throws(SystemCallError) {
        epoll = try Epoll()
        timer = try TimerFD()
        try epoll.add(wakeUp.fd, .readable, token: Self.wakeUpToken)
        try epoll.add(timer.fd, .readable, token: Self.timerToken)
    }

    /// Calls `handler` for each change of readiness until the token is removed.
    func add(
        _ fd: borrowing OwnedFD, _ interest: Epoll.Interest, handler: @escaping @EventLoop (Epoll.Interest) -> Void
    ) throws(SystemCallError) -> UInt64 {
        let token = nextToken
        nextToken += 1
        try epoll.add(fd, interest, token: token)
        handlers[token] = handler
        return token
    }

    func remove(_ fd: borrowing OwnedFD, token: UInt64) {
        handlers[token] = nil
        // It fails only for a descriptor that is not registered, and then there is nothing to take away.
        try? epoll.remove(fd)
    }

    func addTimer(at deadline: UInt64, _ action: @escaping () -> Void) -> TimerQueue.ID {
        timers.add(at: deadline, action)
    }

    func removeTimer(_ id: TimerQueue.ID) { timers.remove(id) }

    /// Calls the handlers of the events that are there; waits for the first when there is nothing else to run.
    func poll() {
        runTimers()
        let block = EventLoop.executor.mayWait()
        if block { armTimer() }
        let events: [Epoll.Event]
        do {
            events = try epoll.wait(block: block)
        } catch {
            // EBADF, EFAULT, EINVAL: only a mistake of ours leads there.
            preconditionFailure("\(error)")
        }
        // Before the handlers: each job of theirs would write to the eventfd, end the next wait early and be read back.
        if block { EventLoop.executor.hasWaited() }
        for event in events {
            switch event.token {
            case Self.wakeUpToken: EventLoop.executor.wakeUp.drain()
            case Self.timerToken:
                timer.drain()
                armedFor = nil
            default: handlers[event.token]?(event.ready)
            }
        }
        runTimers()
    }

    /// After a change of the seeds that hashing has.
    func rebuildTables() {
        handlers = handlers.rebuilt
        timers.rebuildTable()
    }

    private func runTimers() {
        guard !timers.isEmpty else { return }
        for action in timers.takeDue(at: MonotonicTime.now) { action() }
    }

    private func armTimer() {
        let next = timers.nextDeadline
        guard next != armedFor else { return }
        do {
            try timer.arm(at: next)
        } catch {
            preconditionFailure("\(error)")  // EINVAL: only a mistake of ours leads there.
        }
        armedFor = next
    }
}

/// Timers in the order of their deadlines: a binary heap, with removal by leaving the entry behind.
struct TimerQueue {
    typealias ID = UInt64
    private struct Entry {
        let deadline: UInt64
        let id: ID
        var isBefore: (UInt64, ID) { (deadline, id) }
    }
    private var heap: [Entry] = []
    private var actions: [ID: () -> Void] = [:]
    private var nextID: ID = 0

    var isEmpty: Bool { actions.isEmpty }
    /// Timers and what removed ones left behind.
    var entryCount: Int { heap.count }

    var nextDeadline: UInt64? {
        mutating get {
            while let first = heap.first, actions[first.id] == nil { removeFirst() }
            return heap.first?.deadline
        }
    }

    mutating func add(at deadline: UInt64, _ action: @escaping () -> Void) -> ID {
        nextID += 1
        actions[nextID] = action
        heap.append(Entry(deadline: deadline, id: nextID))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore < heap[parent].isBefore else { break }
            heap.swapAt(child, parent)
            child = parent
        }
        return nextID
    }

    mutating func rebuildTable() { actions = actions.rebuilt }

    mutating func remove(_ id: ID) {
        actions[id] = nil
        // Entries left behind are dropped when they come up; too many at once are swept out.
        if heap.count > 64, heap.count > 4 * actions.count {
            heap = heap.filter { actions[$0.id] != nil }.sorted { $0.isBefore < $1.isBefore }
        }
    }

    /// Takes out what is due, in order.
    mutating func takeDue(at now: UInt64) -> [() -> Void] {
        var due: [() -> Void] = []
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            if let action = actions.removeValue(forKey: first.id) { due.append(action) }
        }
        return due
    }

    private mutating func removeFirst() {
        guard let last = heap.popLast() else { return }
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore < heap[least].isBefore { least = child }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

extension Dictionary {
    /// The same, its places found anew.
    var rebuilt: [Key: Value] { Dictionary(uniqueKeysWithValues: map { ($0.key, $0.value) }) }
}
