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

    /// How long another process may take that reads the memory from the disk.
    private static let loadLimit: Duration = .seconds(10)

    /// Opens the template of that key. Its memory is that of somebody who uses it already, else read from the disk.
    public init(_ key: TemplateKey, in store: TemplateStore) throws(TemplateProblem) {
        header = try store.header(key.id)
        state = Mutex(try store.state(key.id, header))
        let place = store.path(key.id)
        memory = try Self.openMemory(of: header, in: place)
        note = Self.note(of: memory, in: place)
    }

    deinit {
        // The template may have been removed meanwhile.
        if let note { try? Files.remove(note) }
    }

    /// What a clone starts from, once; to be let go of when it has started.
    public func takeSavedMachine() throws(SystemCallError) -> SavedMachine? {
        guard let state = state.withLock({ $0.take() }) else { return nil }
        return SavedMachine(memory: try memory.duplicate(), state: try Files.inMemory(state, name: "template-state"))
    }

    /// Opens the memory and leaves a note of that.
    private static func openMemory(of header: TemplateHeader, in place: String) throws(TemplateProblem) -> OwnedFD {
        if let memory = sharedMemory(of: header, in: place) { return noted(memory, in: place) }
        // One reads it, and the others have it from that one: its note is there before the lock is free.
        let lock = try open(TemplateStore.usersName, in: place, .directory)
        defer { withExtendedLifetime(lock) {} }
        guard try system({ () throws(SystemCallError) in try Files.lock(lock, within: loadLimit) }) else {
            throw .system(SystemCallError("flock", place, code: ErrorNumber.busy))
        }
        if let memory = sharedMemory(of: header, in: place) { return noted(memory, in: place) }
        return noted(try load(header, in: place), in: place)
    }

    private static func noted(_ memory: consuming OwnedFD, in place: String) -> OwnedFD {
        // Without a note others read it anew.
        if let note = note(of: memory, in: place) { try? Files.write([], to: note) }
        return memory
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
            // Left by somebody who was killed.
            if !note.isCurrent { try? Files.remove(users + "/" + name) }
        }
        return nil
    }

    /// Reads the memory from the disk.
    private static func load(_ header: TemplateHeader, in place: String) throws(TemplateProblem) -> OwnedFD {
        let sizeBytes = header.memory.sizeBytes
        // A fifo, which nobody puts there, would keep it waiting.
        let file = try open(TemplateStore.memoryName, in: place, [.nonBlocking, .noTerminal])
        guard try system({ () throws(SystemCallError) in try file.status().sizeBytes }) == sizeBytes else {
            throw .damaged("its memory is not \(sizeBytes) bytes long")
        }
        let memory = try system { () throws(SystemCallError) in
            try Files.inMemory(sizeBytes: sizeBytes, name: "bulkhead-template")
        }
        var copy = PageCopy()
        try system { () throws(SystemCallError) in try copy.copy(file, to: memory) }
        guard copy.hex == header.memory.digest else { throw .damaged("its memory is not what was saved") }
        try system { () throws(SystemCallError) in try memory.seal() }
        return memory
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
