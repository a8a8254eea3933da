import Linux
import QEMU
import Synchronization

/// A template in use: its memory is open in this process for as long as this value lives, and found there by others.
public final class Template: Sendable {
    public let header: TemplateHeader
    private let memory: OwnedFD
    /// Nil when a clone has been given it.
    private let state: Mutex<[UInt8]?>
    private let note: String?
    /// What the memory is still to be read from, and the lock that keeps others from doing the same.
    private let source: Mutex<Source?>

    private struct Source: ~Copyable {
        let file: OwnedFD
        let lock: OwnedFD
    }

    /// How long another process may take that reads the memory from the disk.
    private static let loadLimit: Duration = .seconds(10)

    /// Opens the template of that key. Its memory is that of somebody who uses it already, else read from the disk.
    public convenience init(_ key: TemplateKey, in store: TemplateStore) throws(TemplateProblem) {
        try self.init(opening: key, in: store)
        try load()
    }

    /// The same, but memory that is read from the disk is empty until `load` returns: a machine is built meanwhile.
    public init(opening key: TemplateKey, in store: TemplateStore) throws(TemplateProblem) {
        header = try store.header(key.id)
        state = Mutex(try store.state(key.id, header))
        let place = store.path(key.id)
        if let shared = Self.sharedMemory(of: header, in: place) {
            memory = shared
            source = Mutex(nil)
        } else {
            // One reads it, and the others have it from that one: its note is there before the lock is free.
            let lock = try Self.open(TemplateStore.usersName, in: place, .directory)
            guard try Self.system({ () throws(SystemCallError) in try Files.lock(lock, within: Self.loadLimit) }) else {
                throw .system(SystemCallError("flock", place, code: ErrorNumber.busy))
            }
            if let shared = Self.sharedMemory(of: header, in: place) {
                memory = shared
                source = Mutex(nil)
            } else {
                let sizeBytes = header.memory.sizeBytes
                source = Mutex(Source(file: try Self.openFile(sizeBytes, in: place), lock: lock))
                memory = try Self.system { () throws(SystemCallError) in
                    try Files.inMemory(sizeBytes: sizeBytes, name: "bulkhead-template")
                }
            }
        }
        note = Self.note(of: memory, in: place)
        if source.withLock({ $0 == nil }) { leaveNote() }
    }

    /// Reads the memory from the disk, unless it is somebody's already. Blocks, for some 50 ms.
    /// - Throws: `.damaged` when it is not what was saved; no machine may go on with it then.
    public func load() throws(TemplateProblem) {
        guard let source = source.withLock({ $0.take() }) else { return }
        var copy = PageCopy()
        try Self.system { () throws(SystemCallError) in try copy.copy(source.file, to: memory) }
        guard copy.hex == header.memory.digest else { throw .damaged("its memory is not what was saved") }
        try Self.system { () throws(SystemCallError) in try memory.seal() }
        leaveNote()
    }

    deinit { release() }

    /// Others do not find the memory here any more.
    public func release() {
        // The template may have been removed meanwhile.
        if let note { try? Files.remove(note) }
    }

    /// What a clone starts from, once; to be let go of when it has started.
    public func takeSavedMachine() throws(SystemCallError) -> SavedMachine? {
        guard let state = state.withLock({ $0.take() }) else { return nil }
        return SavedMachine(memory: try memory.duplicate(), state: try Files.inMemory(state, name: "template-state"))
    }

    /// Without it others read the memory anew.
    private func leaveNote() {
        if let note { try? Files.write([], to: note) }
    }

    /// The path of the note that this process leaves of it.
    private static func note(of memory: borrowing OwnedFD, in place: String) -> String? {
        guard let note = try? MemoryNote(memory) else { return nil }
        return place + "/" + TemplateStore.usersName + "/" + note.name
    }

    private static func sharedMemory(of header: TemplateHeader, in place: String) -> OwnedFD? {
        let users = place + "/" + TemplateStore.usersName
        for name in (try? Files.names(in: users)) ?? [] {
            guard let note = MemoryNote(name: name) else { continue }
            if let memory = note.open(sizeBytes: header.memory.sizeBytes) { return memory }
            _ = note.isCurrentOrRemoved(from: users)
        }
        return nil
    }

    private static func openFile(_ sizeBytes: Int64, in place: String) throws(TemplateProblem) -> OwnedFD {
        // A fifo, which nobody puts there, would keep it waiting.
        let file = try open(TemplateStore.memoryName, in: place, [.nonBlocking, .noTerminal])
        guard try system({ () throws(SystemCallError) in try file.status().sizeBytes }) == sizeBytes else {
            throw .damaged("its memory is not \(sizeBytes) bytes long")
        }
        return file
    }

    private static func open(
        _ name: String, in place: String, _ flags: OpenFlags
    ) throws(TemplateProblem) -> OwnedFD {
        do throws(SystemCallError) {
            return try Files.open(place + "/" + name, flags)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw .system(error) }
            // Else somebody removes the template at this moment.
            throw Files.isMissing(place) ? .missing : .damaged("there is no \(name)")
        }
    }

    private static func system<R: ~Copyable>(_ body: () throws(SystemCallError) -> R) throws(TemplateProblem) -> R {
        do throws(SystemCallError) {
            return try body()
        } catch {
            throw .system(error)
        }
    }
}
