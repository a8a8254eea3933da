import Linux
import PodDirectory
import QEMU
import TaskAPI
import Templates

/// What spares are good for: whoever has the same may claim one.
public struct SpareKey: Sendable, Equatable {
    /// With which the names of their directories begin.
    public let prefix: String

    /// - Parameters:
    ///   - configuration: of the pod that is wanted.
    ///   - launcher: our own executable; a newer one takes no older monitor.
    ///   - mountNamespace: whose volumes the monitor sees, as /proc/self/ns/mnt has it.
    /// - Throws: where there can be no template either.
    public init(_ configuration: MonitorConfiguration, launcher: String, mountNamespace: String) throws {
        var common = configuration
        // Of the pod's size it is the processors' class that counts, which the template's key has.
        (common.id, common.isSpare, common.waits, common.memoryMiB, common.vCPUs) = ("", false, false, 0, 0)
        let template = try TemplateBuilder.key(configuration).id
        let program = try TemplateKey.identity(of: launcher)
        let text = String(decoding: try common.encode(), as: UTF8.self)
        let parts = [text, template, program, mountNamespace, Self.circumstances(configuration.spareCgroups)]
        prefix = ContentDigest.hex(of: parts.flatMap { Array(($0 + "\0").utf8) })
    }

    /// The caller's mount namespace.
    public static func currentMountNamespace() throws(SystemCallError) -> String {
        try Files.readLink("/proc/self/ns/mnt")
    }

    /// What a process has of whoever starts it: a pod is to have its own starter's, not that of another pod before it.
    /// - Parameter cgroups: where spares wait, instead of in their starter's.
    static func circumstances(_ cgroups: [String]) -> String {
        // What is not there is the same for all.
        func text(_ name: String) -> String { (try? Files.readText("/proc/self/" + name)) ?? "" }
        let processors = text("status").split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") } ?? ""
        let place = cgroups.isEmpty ? text("cgroup") : cgroups.joined(separator: ":")
        return [place, text("oom_score_adj"), text("limits"), String(processors), "\(Scheduling.priority)"]
            .joined(separator: "\0")
    }

    /// A name for another one.
    func makeName() throws(SystemCallError) -> String {
        prefix + "-"
            + (try Identity.randomBytes(8).map { String($0 & 15, radix: 16) + String($0 >> 4, radix: 16) }.joined())
    }

    /// The spares of a host, ready or about to be, of this key; the directories' names.
    public func names(state: String) -> [String] {
        Self.allNames(state: state).filter { $0.hasPrefix(prefix + "-") }
    }

    /// Whether who may claim the one may claim the other.
    static func areAlike(_ name: String, _ other: String) -> Bool {
        name.prefix { $0 != "-" } == other.prefix { $0 != "-" }
    }

    /// Those of a host that can be claimed, and since when, in nanoseconds since 1970.
    static func ready(state: String) -> [(name: String, since: Int64)] {
        allNames(state: state).compactMap { name in
            let paths = PodDirectory.Paths(state: state, id: name, kind: .spare)
            // Not yet, or no more.
            guard let socket = try? Files.status(paths.pod + "/" + SpareClaim.socketName) else { return nil }
            return (name, socket.modifiedAt)
        }
    }

    /// All spares of a host.
    public static func allNames(state: String) -> [String] {
        // None has ever been there.
        (try? Files.names(in: PodDirectory.Kind.spare.directory(state))) ?? []
    }
}
