import AgentAPI
import EventLoop
import Linux
import Pod
import TaskAPI

/// Containers whose health is looked after.
extension Sandbox {
    /// Beside the status, in the container's record.
    private static let healthFile = "health.json"

    /// Probes the container from time to time, as long as its program runs.
    func lookAfter(_ container: SandboxContainer) {
        guard let check = container.healthCheck else { return }
        let process = container.main
        container.status.health = container.health.status.rawValue
        keepHealth(container)
        Task { @EventLoop in
            let began = ContinuousClock.now
            while process.state.end == nil, container.main === process {
                let pause = container.health.pause(of: check, sinceStart: ContinuousClock.now - began)
                _ = try? await within(pause, waitingFor: "end of a container") { try await process.ended.value() }
                // One that stands still would be found dead.
                guard process.state == .running, container.main === process else { continue }
                let probe = await self.probe(container, check)
                guard process.state.end == nil, container.main === process else { return }
                // It stood still meanwhile, which says nothing of its health.
                guard process.state == .running else { continue }
                let changed = container.health.take(probe, of: check, startedAt: container.status.startedAt)
                container.status.health = container.health.status.rawValue
                keepHealth(container)
                if changed { emit("health_status: " + container.status.health, container) }
            }
        }
    }

    private func probe(_ container: SandboxContainer, _ check: HealthCheck) async -> Health.Probe {
        let start = WallClock.now
        let output = ProbeOutput()
        func result(_ code: Int32, _ text: String? = nil) -> Health.Probe {
            Health.Probe(start: start, end: WallClock.now, exitCode: code, output: text ?? output.text)
        }
        let name = "health-\(start)"
        var streams: ProcessStreams?
        defer { streams?.close() }
        do {
            let passages = try ProcessStreams(StandardDescriptors(), terminal: false, log: output, on: guest.link)
            streams = passages
            var request = ExecRequest()
            (request.container, request.process) = (container.id, name)
            request.spec = container.request?.spec.process ?? ProcessSpec()
            (request.spec.arguments, request.spec.terminal) = (check.command, nil)
            request.streams = passages.spec
            _ = try await guest.exec(request)
            passages.start()
            let end = try? await within(check.timeout, waitingFor: "a health check") {
                try await self.guest.wait(container.id, name)
            }
            if let end {
                await passages.passOn(
                    outputBytes: end.outputBytes, errorBytes: end.errorBytes, within: Self.readerLimit)
            } else {
                var signal = SignalRequest()
                (signal.container, signal.process, signal.signal) = (container.id, name, Signal.kill)
                try? await guest.signal(signal)  // It has just ended.
                _ = try? await within(Self.readerLimit, waitingFor: "its end") {
                    try await self.guest.wait(container.id, name)
                }
            }
            try? await guest.delete(container.id, name)  // It goes with the container at the latest.
            guard let end else { return result(-1, "Health check exceeded timeout (\(check.timeout))") }
            return result(Int32(clamping: end.status))
        } catch {
            return result(-1, "\(error)")
        }
    }

    private func keepHealth(_ container: SandboxContainer) {
        save(container)
        guard !container.record.isEmpty else { return }
        do {
            let text = container.health.json.serialized + "\n"
            try Files.replace(container.record + "/" + Self.healthFile, with: Array(text.utf8), durable: false)
        } catch {
            warn("the health of \(container.id) is not kept: \(error)")
        }
    }
}

/// The beginning of what a probe writes.
@EventLoop private final class ProbeOutput: OutputLog {
    private var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }

    func append(_ bytes: [UInt8], isError: Bool) {
        self.bytes += bytes.prefix(Health.outputBytes - self.bytes.count)
    }

    func finish() {}
}

extension HealthCheck {
    fileprivate static func duration(_ milliseconds: UInt64) -> Duration? {
        milliseconds == 0 ? nil : .milliseconds(Int64(clamping: milliseconds))
    }

    init(_ options: HealthOptions) {
        self.init(
            command: options.command, interval: Self.duration(options.intervalMilliseconds),
            timeout: Self.duration(options.timeoutMilliseconds),
            startPeriod: Self.duration(options.startPeriodMilliseconds),
            startInterval: Self.duration(options.startIntervalMilliseconds),
            retries: options.retries == 0 ? nil : Int(options.retries))
    }
}
