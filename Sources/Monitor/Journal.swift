import Linux
import Pod
import PodDirectory

/// A pod's journal as its monitor keeps it: what the pod holds on the host. A pod may live for years while containers come
/// and go, so it is written anew from time to time, without what is there no more.
struct Journal {
    /// A container's record that the pod has something to do with.
    struct Record {
        var path: String
        /// It goes with the container, or with the pod.
        var removed: Bool
        var link: String
        var subject: EventSubject?
    }

    /// Bytes up to which it only grows.
    static let smallBytes: Int64 = 64 << 10

    private(set) var records: [String: Record] = [:]
    private var others: [JournalEntry] = []
    private var sizeBytes: Int64 = 0
    private var rewriteBytes = Journal.smallBytes

    /// Writes the entry down in `directory`. To be called before what it names is acquired.
    /// - Throws: EFBIG when there are too many records that are still there.
    mutating func note(_ entry: JournalEntry, in directory: PodDirectory) throws(SystemCallError) {
        do throws(SystemCallError) {
            sizeBytes = try directory.note(entry)
        } catch {
            guard error.code == ErrorNumber.tooLarge else { throw error }
            try rewrite(in: directory)
            sizeBytes = try directory.note(entry)
        }
        if case .record(let path, let removed, let link, let subject) = entry {
            records[path] = Record(path: path, removed: removed, link: link, subject: subject)
        } else {
            others.append(entry)
        }
        guard sizeBytes > rewriteBytes else { return }
        do throws(SystemCallError) {
            try rewrite(in: directory)
        } catch {
            // What there is says all that it has to.
            warn("the pod's journal cannot be written anew: \(error)")
        }
        rewriteBytes = max(Self.smallBytes, sizeBytes * 2)
    }

    private mutating func rewrite(in directory: PodDirectory) throws(SystemCallError) {
        records = records.filter { !Files.isMissing($0.key) }
        let entries = records.values.map {
            JournalEntry.record(path: $0.path, removed: $0.removed, link: $0.link, subject: $0.subject)
        }
        sizeBytes = try directory.rewrite(others + entries)
    }

    /// Somebody has removed the record.
    mutating func forget(_ path: String) { records[path] = nil }
}
