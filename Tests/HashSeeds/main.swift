import EventLoop
import Glibc
import Linux

// A process whose seeds of hashing are renewed while its loop has something to do, for EventLoopTests: no process may
// have that done that has dictionaries of its own, as a test runner has. Says what has happened, a line for each.
alarm(60)  // What does not arrive, never does.

/// A child that ends with that code when it is let go of.
@EventLoop final class Child {
    private let process: WatchedProcess
    private let input: Pipe

    init(exitCode: Int) throws {
        input = try Pipe()
        let plan = SpawnPlan("/bin/sh", ["sh", "-c", "read line; exit \(exitCode)"])
        process = try WatchedProcess(
            plan.start(descriptors: [DescriptorMapping(input.reading.withRaw { $0 }, as: 0)]))
    }

    func letGo() throws { try input.writing.writeAll([0x0A]) }

    func end() async throws -> String { "\(try await process.exit.value())" }
}

func say(_ line: String) throws { try CurrentProcess.standardStream(1).writeAll(Array((line + "\n").utf8)) }

@EventLoop func run() async throws {
    let text = "bulkhead"
    // It must know the watched ones, or takes their ends for itself.
    let orphans = try OrphanReaper()
    Task { @EventLoop in try await orphans.run() }

    // What the loop has by then, more of each than a table has room for at first.
    let pipe = try Pipe()
    let reading = try AsyncFD(pipe.reading.duplicate())
    let readers = (0..<20).map { _ in Task { @EventLoop in try await reading.read(upTo: 1) } }
    let never = Promise<Void>()
    let waiters = (0..<20).map { _ in Task { @EventLoop in try await never.value() } }
    let timers = (1...20).map { number in
        Task { @EventLoop in try await EventLoop.sleep(for: .milliseconds(50 + number)) }
    }
    let unending = (0..<20).map { _ in Task { @EventLoop in try await EventLoop.sleep(for: .seconds(3600)) } }
    let children = try (1...5).map { try Child(exitCode: $0) }
    let ends = children.map { child in Task { @EventLoop in try await child.end() } }
    try await EventLoop.sleep(for: .milliseconds(5))

    try say("before \(text.hashValue)")
    try EventLoop.renewHashSeeds()
    try say("after \(text.hashValue)")

    for task in timers { try await task.value }
    try say("slept")
    for child in children { try child.letGo() }
    for end in ends { try say("child \(try await end.value)") }
    try pipe.writing.writeAll([UInt8](repeating: 1, count: readers.count))
    for reader in readers { _ = try await reader.value }
    try say("read")
    for task in waiters + unending { task.cancel() }
    for task in waiters + unending {
        if case .success = await task.result { try say("not cancelled") }
    }
    try say("cancelled")
    // And all of it anew.
    let child = try Child(exitCode: 9)
    try child.letGo()
    try say("child \(try await child.end())")
    try await EventLoop.sleep(for: .milliseconds(1))
    try say("slept")
}

let failure = EventLoop.run { () -> (any Error)? in
    do {
        try await run()
        return nil
    } catch {
        return error
    }
}
if let failure { throw failure }
