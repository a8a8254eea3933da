import Cgroups
import EventLog
import Linux
import Pod

extension PodDirectory {
    /// Undoes all that the journal says and removes the directory: what a monitor that was killed could not do.
    ///
    /// - Parameter isPatient: what is about to end is waited for, a second at most.
    /// - Throws: for what could not be undone; the journal stays then, and the next front end tries again.
    public func undo(isPatient: Bool = false) throws(UndoError) {
        var failures: [String] = []
        let entries = try entries()
        var events: EventLogWriter?
        for case .events(let directory) in entries { events = EventLogWriter(directory: directory) }
        // Those first that others cannot go before.
        for entry in entries.filter(\.isProcess) + entries.filter({ !$0.isProcess }).reversed() {
            do {
                try Self.undo(entry, events, isPatient: isPatient)
            } catch {
                failures.append("\(error)")
            }
        }
        guard failures.isEmpty else { throw UndoError(pod: paths.pod, failures: failures) }
        let pod = paths.pod
        do {
            try remove()
        } catch {
            throw UndoError(pod: pod, failures: ["\(error)"])
        }
    }

    private func entries() throws(UndoError) -> [JournalEntry] {
        do {
            return try Self.entries(paths)
        } catch {
            throw UndoError(pod: paths.pod, failures: ["\(error)"])
        }
    }

    private static func entries(_ paths: Paths) throws -> [JournalEntry] {
        try JournalEntry.parse(Files.read(paths.journal, limit: JournalEntry.maximumBytes))
    }

    /// The number of the pod's process on the host, its virtual machine; nil when it has none.
    public static func machine(_ paths: Paths) -> Int32? {
        // A pod that is no more, or just begins.
        for case .process(let pid, let startTime) in (try? entries(paths)) ?? [] {
            if ProcessTime.start(of: pid) == startTime { return pid }
        }
        return nil
    }

    private static func undo(
        _ entry: JournalEntry, _ events: EventLogWriter?, isPatient: Bool
    ) throws(SystemCallError) {
        switch entry {
        case .process(let pid, let startTime): try living(pid, startedAt: startTime)?.signal(9)
        case .record(let path, let removed, let link, let subject):
            let wasLost = try markLost(path)
            let said = subject.flatMap { subject in events.map { ($0, subject) } }
            // An event that cannot be written keeps nobody from cleaning up.
            if wasLost, let (log, subject) = said { try? log.append(.died(subject, status: 137, at: WallClock.now)) }
            guard removed else { return }
            let wasThere = Files.exists(path)
            try removeRecord(path, link: link)
            if wasThere, let (log, subject) = said {
                try? log.append(Event(subject, "destroy", at: WallClock.now))
            }
        case .cgroup(let directories, let isUnified, let unit, let slice, let wasThere):
            let cgroup = HostCgroup(
                directories: directories, isUnified: isUnified, unit: unit, slice: slice, wasThere: wasThere)
            // A reaper is in its pod's.
            try cgroup.leave()
            do {
                try cgroup.removeBlocking(isPatient: isPatient)
            } catch {
                throw SystemCallError("remove a cgroup", "\(error)", code: ErrorNumber.busy)
            }
        case .socket(let path): try Files.remove(path)
        case .events: break
        }
    }

    /// The process of that number and that start time; nil when it has ended.
    static func living(_ pid: Int32, startedAt time: UInt64) throws(SystemCallError) -> PidFD? {
        let process: PidFD
        do {
            process = try PidFD(pid)
        } catch {
            guard error.code == ErrorNumber.noProcess else { throw error }
            return nil
        }
        // Compared after the descriptor has been taken: it is this process's now, whatever becomes of the number.
        guard ProcessTime.start(of: pid) == time, try !process.hasEnded() else { return nil }
        return process
    }

    /// Removes a container's record, and the link that names it.
    public static func removeRecord(_ path: String, link: String) throws(SystemCallError) {
        for attempt in 1... {
            do {
                try Files.removeTree(path)
                break
            } catch {
                // Somebody has just kept the container's end in it, once.
                guard error.code == ErrorNumber.notEmpty, attempt < 5 else { throw error }
            }
        }
        guard !link.isEmpty, let names = Files.parent(of: link), Files.exists(names) else { return }
        let lock = try Files.lockDirectory(names)
        defer { withExtendedLifetime(lock) {} }
        // A link that has gone, or leads to another record, is none of ours.
        guard let target = try? Files.readLink(link),
            target.split(separator: "/").last == path.split(separator: "/").last
        else { return }
        try Files.remove(link)
    }

    /// - Returns: whether it had not ended before.
    private static func markLost(_ record: String) throws(SystemCallError) -> Bool {
        do {
            let bytes = try Files.read(record + "/" + ContainerStatus.fileName, limit: ContainerStatus.maximumBytes)
            guard var status = ContainerStatus(serialized: bytes), status.phase != .exited else { return false }
            status.lost(at: WallClock.now)
            try status.save(in: record)
            return true
        } catch {
            // Somebody has removed the container.
            guard error.code == ErrorNumber.noEntry else { throw error }
            return false
        }
    }

    /// Undoes the pods whose monitors are no more; every front end does so when it starts. Costs some microseconds for
    /// each pod that lives.
    /// - Returns: what could not be undone.
    public static func sweep(state: String) -> [UndoError] {
        Kind.allCases.flatMap { sweep(state, $0) }
    }

    private static func sweep(_ state: String, _ kind: Kind) -> [UndoError] {
        let pods = kind.directory(state)
        guard let names = try? Files.names(in: pods) else { return [] }  // None has ever been here.
        var errors: [UndoError] = []
        for name in names {
            let paths = Paths(state: state, id: name, kind: kind)
            do {
                guard let left = try takeOver(paths, from: pods) else { continue }
                try left.undo()
            } catch let error as UndoError {
                errors.append(error)
            } catch {
                errors.append(UndoError(pod: paths.pod, failures: ["\(error)"]))
            }
        }
        return errors
    }

    /// Undoes this one, if its monitor is no more and nobody else is at it.
    public static func undo(leftIn paths: Paths) throws {
        guard let pods = Files.parent(of: paths.pod), Files.exists(pods) else { return }
        try takeOver(paths, from: pods)?.undo()
    }

    private static func takeOver(_ paths: Paths, from pods: String) throws(SystemCallError) -> PodDirectory? {
        let lock = try Files.lockDirectory(pods)
        defer { withExtendedLifetime(lock) {} }
        // Left by a monitor that died before its first entry.
        if !Files.exists(paths.journal) { try? Files.removeDirectory(paths.pod) }
        return try takeOver(paths)
    }
}

/// What is left of a pod that could not be undone.
public struct UndoError: Error, Equatable, Sendable, CustomStringConvertible {
    public let pod: String
    public let failures: [String]
    public var description: String { "left of the pod in \(pod): " + failures.joined(separator: "; ") }
}
