/// First in, first out. Both ends cost O(1) amortised, and a popped element is handed over without a copy.
struct Queue<Element> {
    /// Popped slots are nil, so that an element has one owner and can be changed in place.
    private var slots: [Element?] = []
    private var head = 0
    /// Below this many dead slots, moving the live ones is not worth it.
    private static var compactionMinimum: Int { 32 }

    var count: Int { slots.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) {
        slots.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < slots.count else { return nil }
        let element = slots[head].take()
        head += 1
        if head == slots.count {
            slots.removeAll(keepingCapacity: head <= Self.compactionMinimum)
            head = 0
        } else if head >= Self.compactionMinimum, head > slots.count / 2 {
            slots.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Lends the last element to `body` for a change in place; nil when the queue is empty.
    mutating func withLast<Result>(_ body: (inout Element) -> Result) -> Result? {
        guard head < slots.count, var element = slots[slots.count - 1].take() else { return nil }
        defer { slots[slots.count - 1] = element }
        return body(&element)
    }
}

extension Queue: Sendable where Element: Sendable {}
