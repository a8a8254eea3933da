import Glibc
import Linux
import Support
import Testing

@testable import EventLoop

@Suite struct EventLoopTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func pipesCarryBytesAndTheirEnd() async throws {
        let pipe = try Pipe()
        let reading = try AsyncFD(pipe.reading.duplicate()), writing = try AsyncFD(pipe.writing.duplicate())
        _ = consume pipe
        let big = [UInt8](repeating: 5, count: 300_000)  // Several times a pipe's buffer.
        let sender = Task { @EventLoop in
            try await writing.write(big)
            writing.close()
        }
        var got = 0
        while case let some = try await reading.read(upTo: 65536), !some.isEmpty { got += some.count }
        try await sender.value
        #expect(got == big.count)
    }

    @EventLoop @Test func readNowDoesNotWait() async throws {
        let pipe = try Pipe()
        let reading = try AsyncFD(pipe.reading.duplicate())
        #expect(try reading.readNow(upTo: 10) == nil)
        _ = try pipe.writing.write([1])
        #expect(try reading.readNow(upTo: 10) == [1])
    }

    @EventLoop @Test func cancellingEndsARead() async throws {
        let pipe = try Pipe()
        let reading = try AsyncFD(pipe.reading.duplicate())
        let task = Task { @EventLoop in try await reading.read(upTo: 1) }
        for _ in 0..<3 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        _ = pipe.writing.withRaw { $0 }
    }

    @EventLoop @Test func closingEndsARead() async throws {
        let pipe = try Pipe()
        let reading = try AsyncFD(pipe.reading.duplicate())
        let task = Task { @EventLoop in try await reading.read(upTo: 1) }
        for _ in 0..<3 { await Task.yield() }
        reading.close()
        await #expect(throws: SystemCallError.self) { try await task.value }
        _ = pipe.writing.withRaw { $0 }
    }

    @EventLoop @Test func aRegularFileIsAlwaysReady() async throws {
        let file = try AsyncFD(Files.inMemory([1, 2, 3], name: "file"))
        #expect(try await file.read(upTo: 10) == [1, 2, 3])
        #expect(try await file.read(upTo: 10) == [])
    }

    @EventLoop @Test func aWaitIsBounded() async throws {
        let never = Promise<Int>()
        await #expect(throws: TimedOut(waitingFor: "answer", limit: .milliseconds(5))) {
            _ = try await within(.milliseconds(5), waitingFor: "answer") { try await never.value() }
        }
        never.fulfil(3)
        let value = try await within(.seconds(5), waitingFor: "answer") { try await never.value() }
        #expect(value == 3)
    }

    /// As somebody who types a time may want it.
    @EventLoop @Test(arguments: [Duration.seconds(1 << 62), .seconds(18_446_744_073), .seconds(-1 << 62)])
    func aLimitMayBeOfAnyLength(_ limit: Duration) async throws {
        let promise = Promise<Int>()
        promise.fulfil(7)
        #expect(try await within(limit, waitingFor: "seven") { try await promise.value() } == 7)
        #expect(limit < .zero || limit.deadline > MonotonicTime.now)
    }

    @EventLoop @Test func aPromiseIsKeptOnceForAll() async throws {
        let promise = Promise<Int>()
        let waiters = (0..<3).map { _ in Task { @EventLoop in try await promise.value() } }
        for _ in 0..<3 { await Task.yield() }
        #expect(promise.fulfil(1))
        #expect(!promise.fulfil(2))
        for waiter in waiters { #expect(try await waiter.value == 1) }
        #expect(promise.current == 1)
    }

    @EventLoop @Test func oneWaiterMayGiveUp() async throws {
        let promise = Promise<Int>()
        let first = Task { @EventLoop in try await promise.value() }
        let second = Task { @EventLoop in try await promise.value() }
        for _ in 0..<3 { await Task.yield() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        promise.fulfil(9)
        #expect(try await second.value == 9)
    }

    @EventLoop @Test func jobsFromOtherThreadsWakeTheLoop() async throws {
        let box = Unmanaged.passRetained(Promise<Int>())
        let promise = box.takeUnretainedValue()
        // A thread of its own: the pool's may all be busy with other tests.
        var thread = pthread_t()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            guard let argument else { return nil }
            let promise = Unmanaged<Promise<Int>>.fromOpaque(argument).takeRetainedValue()
            usleep(20_000)  // Until the loop waits in the kernel.
            Task { @EventLoop in promise.fulfil(4) }
            return nil
        }
        #expect(pthread_create(&thread, nil, body, box.toOpaque()) == 0)
        #expect(try await within(.seconds(60), waitingFor: "the other thread") { try await promise.value() } == 4)
    }

    @EventLoop @Test func childrenAndSignalsAreEvents() async throws {
        let child = try SpawnPlan("/bin/sh", ["sh", "-c", "exit 5"]).start()
        let process = try WatchedProcess(child)
        #expect(try await process.exit.value() == .exited(code: 5))
    }
}

@Suite struct TimerQueueTests {
    @Test func timersComeDueInOrder() {
        var queue = TimerQueue()
        nonisolated(unsafe) var fired: [Int] = []
        for deadline in [50, 10, 40, 20, 30, 10] { _ = queue.add(at: UInt64(deadline)) { fired.append(deadline) } }
        let removed = queue.add(at: 5) { fired.append(5) }
        queue.remove(removed)
        #expect(queue.nextDeadline == 10)
        for action in queue.takeDue(at: 30) { action() }
        #expect(fired == [10, 10, 20, 30])
        #expect(queue.nextDeadline == 40)
        for action in queue.takeDue(at: 100) { action() }
        #expect(fired == [10, 10, 20, 30, 40, 50])
        #expect(queue.isEmpty)
    }

    @Test func removedTimersDoNotPileUp() {
        var queue = TimerQueue()
        let kept = queue.add(at: 1_000_000) {}
        for deadline in 0..<10_000 { queue.remove(queue.add(at: UInt64(deadline)) {}) }
        #expect(queue.entryCount < 200)
        queue.remove(kept)
        #expect(queue.nextDeadline == nil)
    }
}
