import ContainerStore
import EventLoop
import FrontEnd
import Linux
import Pod
import PodDirectory

/// The pod that a debugging command is about, whether it runs, has ended, or is known only for having failed.
@EventLoop struct DebugSubject {
    /// As people call it: "container web".
    let name: String
    let podID: String
    let container: ContainerStore.Entry?
    /// One that containers can join.
    let pod: PodStore.Entry?
    /// What is left of its last failure.
    let failed: FailedPod?
    /// An engine has made it, or nobody knows who.
    var isEngines: Bool { container == nil && pod == nil && failed == nil }

    /// - Parameter reference: a name, an id or the beginning of one, of a pod or of a container.
    /// - Throws: when there is none and none has failed, and when there are several.
    init(_ reference: String, _ host: Host) throws {
        let failures = FailedPods(directory: host.failedDirectory)
        if let entry = try Self.found({ try host.store.find(reference) }) {
            (container, podID, name) = (entry, entry.record.podID, "container " + entry.record.name)
            pod = try entry.record.pod.flatMap { id in try Self.found { try host.pods.find(id) } }
            failed = failures.pod(podID)
        } else if let entry = try Self.found({ try host.pods.find(reference) }) {
            (container, pod, podID, name) = (nil, entry, entry.record.id, "pod " + entry.record.name)
            failed = failures.pod(podID)
        } else if let id = try Self.enginesPod(reference, host) {
            (container, pod, podID, name) = (nil, nil, id, "pod " + id)
            failed = failures.pod(id)
        } else {
            let all = failures.find(reference)
            guard let last = all.first else {
                throw CLIError("no such pod or container: \(reference); of those that fail, a day is kept")
            }
            // A name may have been several pods', one after the other; the beginning of an id means one.
            let isName = last.members.contains { $0.name == reference }
            guard isName || Set(all.map(\.id)).count == 1 else { throw StoreError.ambiguous(reference, "pod") }
            // Of a pod that goes on, a container that is no more.
            pod = try Self.found { try host.pods.find(last.id) }
            (container, failed, podID) = (nil, last, last.id)
            name = pod.map { "pod " + $0.record.name } ?? "\(reference), which is no more"
        }
    }

    /// A pod that an engine has made, of which we keep no record: it is called by the id of its first container and a
    /// digest. Nil when there is none.
    private static func enginesPod(_ reference: String, _ host: Host) throws(StoreError) -> String? {
        let all = (try? Files.names(in: PodDirectory.Kind.pod.directory(host.state))) ?? []  // None has been here.
        guard !all.contains(reference) else { return reference }
        let pods = all.filter { $0.contains("-") && !reference.isEmpty }.filter {
            $0.hasPrefix(reference) || $0.hasPrefix(reference.prefix(12) + "-")
        }
        guard pods.count <= 1 else { throw StoreError.ambiguous(reference, "pod") }
        return pods.first
    }

    /// Nil when there is none.
    private static func found<Entry>(_ find: () throws -> Entry) throws -> Entry? {
        do {
            return try find()
        } catch StoreError.notFound {
            return nil
        }
    }

    /// Whether something is about the subject that is about `id`, or about what belongs to the pod `pod`.
    func concerns(_ id: String, pod: String?) -> Bool {
        if let container, container.record.pod != nil { return id == container.record.id || id == podID }
        return id == podID || pod == podID || failed?.members.contains { $0.id == id } == true
    }
}
