import ContainerStore
import EventLoop
import FrontEnd
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
    /// It has never been started.
    let isNew: Bool
    let attachesInput: Bool
    let attachesOutput: Bool
    /// When somebody wants to know.
    var timing: RunTiming?

    /// A container whose program has begun.
    private struct Begun {
        let pod: ContainerPod
        /// How it ends, when it is attached.
        let end: Task<WaitResponse, any Error>?
        let streams: StandardStreams?
        /// A signal that came too late to keep it from beginning.
        let early: CInt?
    }

    /// Starts the container, and waits for its end when it is attached. When it fails its status says why, or its record
    /// is gone.
    /// - Parameters:
    ///   - lock: the record's, until the program runs.
    ///   - announce: called when it runs detached.
    /// - Returns: the exit code for this command.
    func run(holding lock: consuming OwnedFD, announce: @escaping () throws -> Void) async throws -> Int32 {
        // Before any thread is made, so that no other takes them.
        let signals = try SignalWatch(SignalSet(Foreground.forwarded).withoutIgnored)
        let begun: Begun
        do {
            begun = try await begin(signals)
        } catch let failure as Failure {
            keep(failure)
            signals.end()
            _ = consume lock
            throw failure
        }
        _ = consume lock
        defer { begun.streams?.restore() }
        guard let end = begun.end else {
            signals.end()
            try announce()
            begun.pod.client.close()
            return 0
        }
        return try await wait(for: begun, end, signals)
    }

    /// - Throws: `Failure`; nothing of the pod is left then.
    private func begin(_ signals: SignalWatch) async throws -> Begun {
        let streams: StandardStreams?
        do {
            streams = attachesOutput ? try StandardStreams(interactive: attachesInput, terminal: record.terminal) : nil
        } catch {
            throw Failure.notCreated(Self.told(error))
        }
        let interrupted = Promise<CInt>()
        let booting = Task { @EventLoop in
            while let signal = try? await signals.next() {
                // Others are for a program that is not there yet.
                if [SIGHUP, SIGINT, SIGQUIT, SIGTERM].contains(signal) { interrupted.fulfil(signal) }
            }
        }
        defer { booting.cancel() }
        do {
            let pod = try await create(streams, interrupted)
            // Goes out with the start: an end is kept for seconds only, and this command may be stopped meanwhile.
            let end = attachesOutput ? Task { @EventLoop in try await pod.client.wait(record.id) } : nil
            try await start(pod, streams)
            return Begun(pod: pod, end: end, streams: streams, early: interrupted.current)
        } catch {
            streams?.restore()
            throw error
        }
    }

    /// The record of a container that could not be made is nobody's; docker keeps one that could not be started.
    private func keep(_ failure: Failure) {
        // What kept the container from running is what the user is to see.
        switch failure {
        case _ where isNew && record.removesItself, .notCreated where isNew: try? host.store.remove(record)
        case .stopped: try? host.store.noteFailedStart(record.id, code: 137)
        case .notCreated, .notStarted: try? host.store.noteFailedStart(record.id, error: failure.description)
        }
    }

    /// Up to the program's begin. A signal of somebody who does not want to wait for it ends the boot; once the program
    /// has been let go, a signal is for it.
    private func create(_ streams: StandardStreams?, _ interrupted: Promise<CInt>) async throws -> ContainerPod {
        var begun: ContainerPod?
        do {
            let pod = try await Self.unless(interrupted) { try await ContainerPod(host, record) }
            begun = pod
            timing?.note(record.pod == nil ? "the pod has begun" : "the pod is there")
            try await Self.unless(interrupted) { try await pod.create(streams) }
            timing?.note("the container has been created")
            // As long as the pod is sure to be there.
            await timing?.add(pod.client)
            return pod
        } catch {
            if let begun {
                await timing?.add(begun.client)
                await begun.giveUp()
            }
            if let signal = interrupted.current {
                throw Failure.notCreated(CLIError("interrupted", exitCode: 128 + signal))
            }
            if let stopped = stopped(error) { throw stopped }
            let code = (error as? TTRPCStatus).map { ContainerPod.exitCode($0, otherwise: CLIError.notRun) }
            // Its program is not there, which is known before the start.
            if begun != nil, let code, code != CLIError.notRun {
                throw Failure.notStarted(told(error, of: begun, code))
            }
            throw Failure.notCreated(told(error, of: begun))
        }
    }

    /// Runs `body`, which is cancelled by a signal.
    private static func unless<R: Sendable>(
        _ interrupted: Promise<CInt>, _ body: @escaping @EventLoop () async throws -> R
    ) async throws -> R {
        let task = Task { @EventLoop in try await body() }
        let interruption = Task { @EventLoop in
            _ = try await interrupted.value()
            task.cancel()
        }
        defer { interruption.cancel() }
        return try await task.value
    }

    private func start(_ pod: ContainerPod, _ streams: StandardStreams?) async throws {
        do {
            try streams?.start()
            try await pod.start()
            timing?.note("its program runs")
            await timing?.add(pod.client)
        } catch {
            await timing?.add(pod.client)
            await pod.giveUp()
            let code = (error as? TTRPCStatus).map { ContainerPod.exitCode($0, otherwise: CLIError.notRun) }
            throw stopped(error) ?? .notStarted(told(error, of: pod, code ?? CLIError.notRun))
        }
    }

    private static func told(_ error: any Error, _ code: Int32 = CLIError.notRun) -> CLIError {
        error as? CLIError ?? CLIError((error as? TTRPCStatus)?.message ?? "\(error)", exitCode: code)
    }

    private func told(_ error: any Error, of pod: ContainerPod?, _ code: Int32 = CLIError.notRun) -> CLIError {
        // Whichever of its connections has ended first.
        guard pod?.client.wasKilled(error) ?? (error is MonitorWasKilled) else { return Self.told(error, code) }
        return CLIError(
            "container \(record.name) could not be started: \(MonitorWasKilled())", exitCode: CLIError.notRun)
    }

    /// The failure of a start that somebody has ended: as for a container that was killed.
    private func stopped(_ error: any Error) -> Failure? {
        guard (error as? TTRPCStatus)?.code == .aborted else { return nil }
        return .stopped(CLIError("container \(record.name) was stopped while it was starting", exitCode: 137))
    }

    private func wait(
        for begun: Begun, _ end: Task<WaitResponse, any Error>, _ signals: SignalWatch
    ) async throws -> Int32 {
        let client = begun.pod.client
        let foreground = Foreground(
            client: client, end: end, id: record.id, execID: "", subject: "container \(record.name)",
            streams: begun.streams, terminal: record.terminal, signals: signals)
        // When all of the pod has been cleaned up no stream has a writer any more.
        return try await foreground.exitCode(early: begun.early) { _ in
            timing?.note("its end is known")
            do {
                try await begun.pod.waitForCleanUp()
            } catch {
                tell("container \(record.name) has ended, and its pod's clean-up takes its time: \(error)")
            }
        }
    }
}
