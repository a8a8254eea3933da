import EventLoop
import Linux

/// An init that has been made, and the channel to it.
struct MadeInit: ~Copyable {
    let process: ChildProcess
    let channel: OwnedFD
}

/// The zygote as the agent sees it, see `ZygoteProcess`. Started when it is needed first, and anew when it has ended.
@EventLoop final class Zygote {
    private static let answerLimit: Duration = .seconds(30)
    private let program: OwnedFD
    private var running: Running?
    private var isBusy = false
    private let free = Condition()

    private final class Running {
        let process: WatchedProcess
        let channel: AsyncFD

        init(_ process: WatchedProcess, _ channel: AsyncFD) { (self.process, self.channel) = (process, channel) }
    }

    nonisolated init(program: consuming OwnedFD) { self.program = program }

    /// Makes a copy.
    /// - Parameters:
    ///   - joining: whose namespaces `copy.joinNamespaces` are.
    ///   - cgroup: that it is born in.
    func make(
        _ copy: ZygoteRequest.Copy, joining: Int32? = nil, cgroup: Int32? = nil
    ) async throws -> MadeInit {
        let ends = try UnixSocket.pair(.messages)
        var copy = copy
        copy.hasCgroup = cgroup != nil
        let descriptors = [ends.second.withRaw { $0 }] + (cgroup.map { [$0] } ?? []) + (joining.map { [$0] } ?? [])
        let (answer, received) = try await ask(.copy(copy), descriptors)
        switch answer {
        case .failed(let call, let code): throw SystemCallError(call, code: code)
        case .made(let pid):
            guard let pidfd = received.takeFirst() else { throw SystemCallError("recvmsg", code: ErrorNumber.invalid) }
            return MadeInit(process: ChildProcess(pid: pid, pidfd: PidFD(owning: pidfd)), channel: ends.first)
        }
    }

    /// Has it decode a plan, for what it learns by that; see `ZygoteRequest.rehearse`.
    func rehearse(_ plan: [UInt8], place: String) async throws {
        let file = try Files.inMemory(plan, name: "container-plan")
        _ = try await ask(.rehearse(place: place), [file.withRaw { $0 }])
    }

    private func ask(
        _ request: ZygoteRequest, _ descriptors: [Int32]
    ) async throws -> (ZygoteAnswer, DescriptorList) {
        while isBusy { try await free.wait() }
        isBusy = true
        defer {
            isBusy = false
            free.notify()
        }
        let zygote = try running ?? start()
        do {
            return try await within(Self.answerLimit, waitingFor: "answer of the zygote") {
                try await zygote.channel.retry(when: .writable) { fd throws(SystemCallError) in
                    try UnixSocket.send(request.encoded, descriptors: descriptors, over: fd)
                }
                let (bytes, received) = try await zygote.channel.retry(when: .readable) { fd throws(SystemCallError) in
                    try UnixSocket.receive(upTo: ZygoteAnswer.limit, descriptorLimit: 1, over: fd)
                }
                guard let answer = ZygoteAnswer(bytes) else {
                    throw SystemCallError("recvmsg", "the zygote", code: ErrorNumber.brokenPipe)
                }
                return (answer, received)
            }
        } catch {
            // Whatever became of it, its next answer would be another's.
            zygote.process.signal(9)
            running = nil
            throw error
        }
    }

    private func start() throws(SystemCallError) -> Running {
        let ends = try UnixSocket.pair(.messages)
        let null = try Files.open("/dev/null", .readWrite)
        let nothing = null.withRaw { $0 }
        let plan = SpawnPlan(ZygoteProcess.programName, [ZygoteProcess.programName])
        let child = try plan.start(
            descriptors: [
                DescriptorMapping(nothing, as: 0), DescriptorMapping(nothing, as: 1), DescriptorMapping(2, as: 2),
                DescriptorMapping(ends.second.withRaw { $0 }, as: ZygoteProcess.channelNumber),
            ], programFD: program.withRaw { $0 })
        let zygote = Running(try WatchedProcess(child), try AsyncFD(ends.first))
        running = zygote
        return zygote
    }
}
