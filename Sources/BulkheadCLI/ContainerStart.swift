import ContainerStore
import EventLoop
import Glibc
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// A container of the store from its record to its end: what `run` and `start` have in common.
@EventLoop struct ContainerStart {
    /// A start that came to nothing.
    enum Failure: Error, CustomStringConvertible {
        case notCreated(CLIError)
        case notStarted(CLIError)
        /// Somebody wanted its end meanwhile.
        case stopped(CLIError)

        var error: CLIError {
            switch self {
            case .notCreated(let error), .notStarted(let error), .stopped(let error): error
            }
        }
        var description: String { error.description }
    }

    let host: Host
    let record: ContainerRecord
    let attachesInput: Bool
    let attachesOutput: Bool

    /// Starts the container, and waits for its end when it is attached. Its status says what became of a start that
    /// failed.
    /// - Parameters:
    ///   - lock: the record's, until the program runs.
    ///   - announce: called when it runs detached.
    /// - Returns: the exit code for this command.
    func run(holding lock: consuming OwnedFD, announce: @escaping () throws -> Void) async throws -> Int32 {
        let signals: SignalWatch
        let streams: StandardStreams?
        do {
            // Before any thread is made, so that no other takes them.
            signals = try SignalWatch(SignalSet(Foreground.forwarded).withoutIgnored)
            streams = attachesOutput ? try StandardStreams(interactive: attachesInput, terminal: record.terminal) : nil
        } catch {
            throw Failure.notCreated(Self.told(error))
        }
        defer { streams?.restore() }
        let interrupted = Promise<CInt>()
        let booting = Task { @EventLoop in
            while let signal = try? await signals.next() {
                // Others are for a program that is not there yet.
                if [SIGHUP, SIGINT, SIGQUIT, SIGTERM].contains(signal) { interrupted.fulfil(signal) }
            }
        }
        defer { booting.cancel() }
        let pod: PodOfOne
        let end: Task<WaitResponse, any Error>?
        do {
            pod = try await create(streams, interrupted)
            // Goes out with the start: an end is kept for seconds only, and this command may be stopped meanwhile.
            end = attachesOutput ? Task { @EventLoop in try await pod.client.wait(record.id) } : nil
            try await begin(pod, streams)
        } catch let failure as Failure {
            let wasStopped = if case .stopped = failure { true } else { false }
            // What kept the container from running is what the user is to see.
            try? host.store.noteFailedStart(
                record.id, code: wasStopped ? 137 : nil, error: wasStopped ? "" : failure.description)
            _ = consume lock
            throw failure
        }
        _ = consume lock
        booting.cancel()
        guard let end else {
            try announce()
            pod.client.close()
            return 0
        }
        // Too late to keep it from beginning.
        return try await wait(for: pod, end, streams, signals, early: interrupted.current)
    }

    /// Up to the program's begin. A signal of somebody who does not want to wait for it ends the boot; once the program
    /// has been let go, a signal is for it.
    private func create(_ streams: StandardStreams?, _ interrupted: Promise<CInt>) async throws -> PodOfOne {
        let pod: PodOfOne
        do {
            pod = try PodOfOne(host, record)
        } catch {
            throw Failure.notCreated(Self.told(error))
        }
        let creating = Task { @EventLoop in try await pod.create(streams) }
        let interruption = Task { @EventLoop in
            _ = try await interrupted.value()
            creating.cancel()
        }
        do {
            try await creating.value
        } catch {
            await pod.giveUp()
            if let signal = interrupted.current {
                throw Failure.notCreated(CLIError("interrupted", exitCode: 128 + signal))
            }
            throw stopped(error) ?? .notCreated(told(error, of: pod))
        }
        interruption.cancel()
        return pod
    }

    private func begin(_ pod: PodOfOne, _ streams: StandardStreams?) async throws {
        do {
            try streams?.start()
            try await pod.start()
        } catch {
            await pod.giveUp()
            let code = (error as? TTRPCStatus).map { PodOfOne.exitCode($0, otherwise: CLIError.notRun) }
            throw stopped(error) ?? .notStarted(told(error, of: pod, code ?? CLIError.notRun))
        }
    }

    private static func told(_ error: any Error, _ code: Int32 = CLIError.notRun) -> CLIError {
        error as? CLIError ?? CLIError((error as? TTRPCStatus)?.message ?? "\(error)", exitCode: code)
    }

    private func told(_ error: any Error, of pod: PodOfOne, _ code: Int32 = CLIError.notRun) -> CLIError {
        guard let end = pod.client.end, error as? TTRPCStatus == end else { return Self.told(error, code) }
        return CLIError(
            "container \(record.name) could not be started: its pod's monitor was killed", exitCode: CLIError.notRun)
    }

    /// The failure of a start that somebody has ended: as for a container that was killed.
    private func stopped(_ error: any Error) -> Failure? {
        guard (error as? TTRPCStatus)?.code == .aborted else { return nil }
        return .stopped(CLIError("container \(record.name) was stopped while it was starting", exitCode: 137))
    }

    private func wait(
        for pod: PodOfOne, _ end: Task<WaitResponse, any Error>, _ streams: StandardStreams?, _ signals: SignalWatch,
        early: CInt?
    ) async throws -> Int32 {
        let foreground = Foreground(
            client: pod.client, end: end, id: record.id, execID: "", subject: "container \(record.name)",
            streams: streams,
            terminal: record.terminal, signals: signals)
        // When all of the pod has been cleaned up no stream has a writer any more.
        return try await foreground.exitCode(early: early) { _ in
            do {
                try await pod.client.waitForEnd(within: .seconds(10))
            } catch {
                tell("container \(record.name) has ended, and its pod's clean-up takes its time: \(error)")
            }
        }
    }
}
