import Linux
import Pod

/// What is kept of pods that failed: a directory below the root directory, mode 0700, with a file for each.
public struct FailedPods: Sendable {
    /// Beyond it the oldest go.
    public static let maximumCount = 100
    /// What is older goes, in nanoseconds.
    public static let maximumAge: Int64 = 24 * 3600 * 1_000_000_000

    private let directory: String

    public init(directory: String) { self.directory = directory }

    private func path(_ id: String) -> String { directory + "/" + id + ".json" }

    /// Keeps what is known of a pod, instead of what was known of an earlier end of its.
    public func keep(_ pod: FailedPod) throws(SystemCallError) {
        try Files.makeDirectories(directory, mode: 0o700)
        try Files.replace(path(pod.id), with: pod.serialized)
        let files = files().sorted { $0.modifiedAt < $1.modifiedAt }
        // Others do this at the same time.
        for file in files.dropLast(Self.maximumCount) { try? Files.remove(file.path) }
    }

    /// What is kept of that pod; nil when that is nothing, or cannot be read.
    public func pod(_ id: String) -> FailedPod? { read(path(id)) }

    /// The pods that `reference` means, the youngest first: by the beginning of an id, their containers' or theirs, or by a
    /// name. Reads all there is.
    public func find(_ reference: String) -> [FailedPod] {
        files().compactMap { read($0.path) }.filter { $0.isMeant(by: reference) }.sorted { $0.at > $1.at }
    }

    private func read(_ path: String) -> FailedPod? {
        // It may just have gone.
        (try? Files.readRegular(path, limit: FailedPod.maximumBytes)).flatMap { FailedPod(serialized: $0) }
    }

    /// Removes what is too old, and what a monitor that was killed has left half-written. Costs some microseconds a file.
    public func sweep(at time: Int64 = WallClock.now) {
        // Another one may be quicker.
        for file in files() where time - file.modifiedAt > Self.maximumAge { try? Files.remove(file.path) }
    }

    private func files() -> [(path: String, modifiedAt: Int64)] {
        // No pod has ever failed here.
        ((try? Files.names(in: directory)) ?? []).compactMap { name in
            let path = directory + "/" + name
            // It may just have gone.
            guard let status = try? Files.status(path) else { return nil }
            return (path, status.modifiedAt)
        }
    }
}
