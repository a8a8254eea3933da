import Linux
import Templates

/// Starts spares.
public enum SpareStarter {
    /// By which a failure is noted beside those of templates.
    private static let failure = "spares"

    /// Writes down why a spare was none, or of no use.
    public static func noteFailure(_ reason: String, _ configuration: MonitorConfiguration) {
        TemplateStore(directory: configuration.templates).noteFailure(failure, reason)
    }

    /// One is ready.
    static func forgetFailure(_ configuration: MonitorConfiguration) {
        // One that stays is out of date, no more.
        try? TemplateStore(directory: configuration.templates).forgetFailure(failure)
    }

    /// Why a spare has not become one, the last time after that moment (nanoseconds since 1970).
    public static func lastFailure(_ configuration: MonitorConfiguration, since begin: Int64) -> String? {
        TemplateStore(directory: configuration.templates).lastFailure(failure).flatMap {
            $0.at > begin ? $0.reason : nil
        }
    }

    /// Starts as many as are missing and as memory allows.
    /// - Parameters:
    ///   - host: the mount namespace that they are in; nil: the caller's.
    ///   - waiting: one whose process waits already.
    /// - Returns: the processes that have been started, children of this one.
    @discardableResult public static func fill(
        _ configuration: MonitorConfiguration, launcher: String, in host: HostNamespace?
    ) throws -> [Int32] {
        try fill(configuration, launcher: launcher, in: host, beginningWith: nil)
    }

    @discardableResult static func fill(
        _ configuration: MonitorConfiguration, launcher: String, in host: HostNamespace?,
        beginningWith waiting: WaitingSpare?
    ) throws -> [Int32] {
        var waiting = waiting
        let configuration = common(configuration), key = try key(configuration, launcher, host)
        // One too many, started by two at once, ends by itself.
        let missing = configuration.spareCount - key.names(state: configuration.state).count
        var started: [Int32] = []
        for _ in 0..<max(missing, 0) where configuration.hasMemoryForSpares {
            let spare = waiting
            waiting = nil
            guard (try? spare?.begin()) == nil else { continue }
            started.append(
                try DetachedProcess.start(launcher, [Monitor.programName, text(configuration, key)], in: host))
        }
        return started
    }

    /// Starts the process of a spare that waits until it is wanted.
    static func prepare(
        _ configuration: MonitorConfiguration, launcher: String, in host: HostNamespace
    ) throws -> WaitingSpare {
        var configuration = common(configuration)
        let key = try key(configuration, launcher, host)
        configuration.waits = true
        let gate = try Pipe()
        let process = try gate.reading.withRaw { number in
            try DetachedProcess.start(
                launcher, [Monitor.programName, text(configuration, key)], in: host,
                descriptors: [DescriptorMapping(number, as: WaitingSpare.gateDescriptor)])
        }
        return WaitingSpare(process: process, gate: gate.writing)
    }

    /// For whoever asks for nothing, whatever this pod has asked for.
    private static func common(_ configuration: MonitorConfiguration) -> MonitorConfiguration {
        var configuration = configuration
        (configuration.memoryMiB, configuration.vCPUs) = (configuration.baseMemoryMiB, configuration.baseVCPUs)
        return configuration
    }

    private static func key(
        _ configuration: MonitorConfiguration, _ launcher: String, _ host: HostNamespace?
    ) throws -> SpareKey {
        let namespace = try host?.name ?? SpareKey.currentMountNamespace()
        return try SpareKey(configuration, launcher: launcher, mountNamespace: namespace)
    }

    private static func text(_ configuration: MonitorConfiguration, _ key: SpareKey) throws -> String {
        var spare = configuration
        (spare.id, spare.isSpare) = (try key.makeName(), true)
        return String(decoding: try spare.encode(), as: UTF8.self)
    }
}

/// A spare's process that does nothing yet. When nobody has it any more it ends.
final class WaitingSpare: Sendable {
    /// Where the process has the other end.
    static let gateDescriptor: Int32 = 3

    let process: Int32
    private let gate: OwnedFD

    init(process: Int32, gate: consuming OwnedFD) {
        self.process = process
        self.gate = gate
    }

    /// It is wanted.
    func begin() throws(SystemCallError) { try gate.writeAll([1]) }

    /// In the process: suspends it until it is wanted.
    /// - Returns: false when it never will be.
    static func waitToBegin() -> Bool {
        let gate = OwnedFD(owning: gateDescriptor)
        return (try? gate.read(upTo: 1)) == [1]  // Whoever has the other end may have gone.
    }
}
