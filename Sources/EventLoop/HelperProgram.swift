import Linux

/// A program that is run to its end, for a time: with what it reads, and the beginning of what it says on both outputs.
@EventLoop public final class HelperProgram {
    private let name: String
    private let child: WatchedProcess
    private let writing: AsyncFD, reading: AsyncFD
    private var said: [UInt8] = []
    private static let killLimit: Duration = .seconds(2)

    /// Starts it. `run` is to follow.
    /// - Parameters:
    ///   - plan: of the program; it has no other descriptors than its standard streams.
    ///   - joining: whose namespaces `plan.joinNamespaces` are.
    public init(_ plan: SpawnPlan, joining: Int32? = nil) throws(SystemCallError) {
        let input = try Pipe(), output = try Pipe()
        name = plan.program
        writing = try AsyncFD(input.writing.duplicate())
        reading = try AsyncFD(output.reading.duplicate())
        let number = output.writing.withRaw { $0 }
        child = try WatchedProcess(
            try plan.start(
                descriptors: [
                    DescriptorMapping(input.reading.withRaw { $0 }, as: 0), DescriptorMapping(number, as: 1),
                    DescriptorMapping(number, as: 2),
                ], joining: joining))
    }

    /// Suspends until it has ended. One that does not read what it is given has all that it wants.
    /// - Parameters:
    ///   - input: what it reads.
    ///   - maximum: bytes that are kept of what it says.
    ///   - limit: it is killed then, or when the task is cancelled.
    /// - Returns: its end, and what it said in one line; nothing of one that ended well.
    /// - Throws: `TimedOut`, when it is gone.
    public func run(
        _ input: [UInt8] = [], keeping maximum: Int = 4096, within limit: Duration
    ) async throws -> (exit: ProcessExit, said: String) {
        let feeding = Task { @EventLoop in
            try? await writing.write(input)
            writing.close()
        }
        let listening = Task { @EventLoop in
            while let bytes = try? await reading.read(upTo: 4096), !bytes.isEmpty {
                said += bytes.prefix(max(0, maximum - said.count))
            }
        }
        defer {
            feeding.cancel()
            listening.cancel()
            writing.close()
            reading.close()
        }
        let exit: ProcessExit
        do {
            exit = try await within(limit, waitingFor: "end of \(name)") { try await self.child.exit.value() }
        } catch {
            child.signal(9)
            // Not in this task, which may be cancelled. What the kernel does not let go of ends later.
            await Task { @EventLoop in
                _ = try? await within(Self.killLimit, waitingFor: name) { try await self.child.exit.value() }
            }.value
            throw error
        }
        guard exit != .exited(code: 0) else { return (exit, "") }
        // What a child of it still says is not waited for.
        _ = try? await within(.milliseconds(200), waitingFor: "the rest of its output") { await listening.value }
        let text = String(decoding: said, as: UTF8.self)
        return (exit, text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
}
