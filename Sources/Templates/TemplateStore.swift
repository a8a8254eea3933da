import Linux

/// Why a template cannot be used.
public enum TemplateProblem: Error, Equatable, Sendable, CustomStringConvertible {
    case missing
    /// It must go, and another be made.
    case damaged(String)
    case system(SystemCallError)

    public var description: String {
        switch self {
        case .missing: "there is no template yet"
        case .damaged(let what): "the template is damaged: \(what)"
        case .system(let error): "the template cannot be read: \(error)"
        }
    }
}

/// Templates on disk: a directory for each, named by its key, published whole and never changed, only removed.
///
///     ID/template.json  ID/memory  ID/state
///     ID/users/         who has its memory in his: see `MemoryNote`
///     ID.failed         why the last one could not be made
///     build.lock        held by whoever makes one
public struct TemplateStore: Sendable {
    public let directory: String
    static let headerName = "template.json", memoryName = "memory", stateName = "state", usersName = "users"
    private static let failedSuffix = ".failed"
    /// Of directories that are being made or removed; the rest of their names is random.
    private static let unfinished = ".unfinished-"
    /// A device state has a third of a megabyte.
    private static let maximumStateBytes = 64 << 20

    public init(directory: String) { self.directory = directory }

    public func path(_ id: String) -> String { directory + "/" + id }

    /// The ids of what is there, whatever its state.
    public func ids() throws(SystemCallError) -> [String] {
        guard Files.exists(directory) else { return [] }
        return try Files.names(in: directory).filter { Self.isID($0) }.sorted()
    }

    /// Whether it is one of `TemplateKey.id`.
    public static func isID(_ name: String) -> Bool {
        name.utf8.count == 32 && name.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }

    public func header(_ id: String) throws(TemplateProblem) -> TemplateHeader {
        let bytes = try read(id, Self.headerName, limit: TemplateHeader.maximumBytes)
        guard let header = TemplateHeader(serialized: bytes) else { throw .damaged("\(Self.headerName) is none") }
        guard header.key.id == id else { throw .damaged("\(Self.headerName) is another's") }
        return header
    }

    /// The template's device state, checked against its header.
    func state(_ id: String, _ header: TemplateHeader) throws(TemplateProblem) -> [UInt8] {
        let bytes = try read(id, Self.stateName, limit: Self.maximumStateBytes)
        guard Int64(bytes.count) == header.state.sizeBytes else {
            throw .damaged("its state has \(bytes.count) bytes, not \(header.state.sizeBytes)")
        }
        guard ContentDigest.hex(of: bytes) == header.state.digest else {
            throw .damaged("its state is not what was saved")
        }
        return bytes
    }

    private func read(_ id: String, _ name: String, limit: Int) throws(TemplateProblem) -> [UInt8] {
        do {
            return try Files.readRegular(path(id) + "/" + name, limit: limit)
        } catch {
            switch error.code {
            case ErrorNumber.noEntry where Files.isMissing(path(id)): throw .missing
            case ErrorNumber.noEntry: throw .damaged("there is no \(name)")
            case ErrorNumber.tooLarge: throw .damaged("\(name) is too large")
            default: throw .system(error)
            }
        }
    }

    /// How many processes have its memory open: pods, for the most part.
    public func users(of id: String) -> Int {
        let users = path(id) + "/" + Self.usersName
        let notes = ((try? Files.names(in: users)) ?? []).compactMap { MemoryNote(name: $0) }
        return Set(notes.filter { $0.isCurrentOrRemoved(from: users) }.map(\.pid)).count
    }

    // MARK: Making and removing

    /// The lock of whoever makes a template, one at a time; nil when somebody else has it and `limit` has passed.
    /// What builders that were killed have left is removed.
    public func lockBuild(within limit: Duration) throws(SystemCallError) -> OwnedFD? {
        let lock = try openLock()
        guard try Files.lock(lock, within: limit) else { return nil }
        for name in try Files.names(in: directory) where name.hasPrefix(Self.unfinished) {
            try Files.removeTree(directory + "/" + name)
        }
        return lock
    }

    private func openLock() throws(SystemCallError) -> OwnedFD {
        try Files.makeDirectories(directory, mode: 0o700)
        return try Files.open(directory + "/build.lock", [.readWrite, .create])
    }

    /// How much room there is for templates.
    /// - Throws: when none can be made here.
    public func freeBytes() throws(SystemCallError) -> UInt64 {
        _ = try openLock()
        return try Files.freeBytes(directory)
    }

    /// Publishes what a machine has saved. To be called with the lock of `lockBuild`.
    /// - Parameters:
    ///   - memory: as large as the machine's; nobody writes to it any more.
    ///   - state: from its beginning to its end.
    /// - Throws: when there is no room, for instance; nothing is left then.
    public func publish(
        _ key: TemplateKey, machine: (memoryMiB: Int, vCPUs: Int), memory: borrowing OwnedFD, state: borrowing OwnedFD,
        createdAt: Int64, buildMilliseconds: @autoclosure () -> UInt64
    ) throws(SystemCallError) -> TemplateHeader {
        let place = directory + "/" + Self.unfinished + (try Self.randomName())
        try Files.makeDirectory(place, mode: 0o700)
        do throws(SystemCallError) {
            try Files.makeDirectory(place + "/" + Self.usersName, mode: 0o700)
            let sizeBytes = try memory.status().sizeBytes
            let file = try Files.open(place + "/" + Self.memoryName, [.readWrite, .create])
            try file.truncate(to: sizeBytes)
            var copy = PageCopy()
            try copy.copy(memory, to: file)
            try file.synchronize()
            let stateBytes = try state.contents(limit: Self.maximumStateBytes)
            try Files.write(stateBytes, to: place + "/" + Self.stateName)
            let header = TemplateHeader(
                key: key, createdAt: createdAt, memoryMiB: machine.memoryMiB, vCPUs: machine.vCPUs,
                memory: TemplateHeader.Part(sizeBytes: sizeBytes, digest: copy.hex), memoryUsedBytes: copy.copiedBytes,
                state: TemplateHeader.Part(
                    sizeBytes: Int64(stateBytes.count), digest: ContentDigest.hex(of: stateBytes)),
                buildMilliseconds: buildMilliseconds())
            try Files.write(Array(header.serialized.utf8), to: place + "/" + Self.headerName)
            try remove(key.id)
            try Files.rename(place, to: path(key.id))
            try forgetFailure(key.id)
            return header
        } catch {
            try? Files.removeTree(place)  // The first error is the one to tell.
            throw error
        }
    }

    /// Writes down why the template could not be made.
    public func noteFailure(_ id: String, _ reason: String) {
        // A disk that is full has no room for that either.
        try? Files.replace(path(id) + Self.failedSuffix, with: Array(reason.utf8.prefix(4096)))
    }

    /// It has been made.
    public func forgetFailure(_ id: String) throws(SystemCallError) { try Files.remove(path(id) + Self.failedSuffix) }

    /// Why it could not be made the last time, and when, in nanoseconds since 1970.
    public func lastFailure(_ id: String) -> (reason: String, at: Int64)? {
        let path = path(id) + Self.failedSuffix
        guard let status = try? Files.status(path), let reason = try? Files.readText(path) else { return nil }
        return (reason, status.modifiedAt)
    }

    /// Removes a template; clones of it go on. One that is not there is fine.
    public func remove(_ id: String) throws(SystemCallError) {
        let place = directory + "/" + Self.unfinished + (try Self.randomName())
        do throws(SystemCallError) {
            // At once for whoever looks.
            try Files.rename(path(id), to: place)
        } catch {
            guard error.code == ErrorNumber.noEntry else { throw error }
            return
        }
        try Files.removeTree(place)
    }

    private static func randomName() throws(SystemCallError) -> String {
        try Identity.randomBytes(8).map { String($0, radix: 16) }.joined()
    }
}

extension OwnedFD {
    /// All that is in the file.
    borrowing func contents(limit: Int) throws(SystemCallError) -> [UInt8] {
        let sizeBytes = try status().sizeBytes
        guard sizeBytes <= limit else { throw SystemCallError("read", code: ErrorNumber.tooLarge) }
        var code: SystemCallError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(sizeBytes)) { buffer, filled in
            do throws(SystemCallError) {
                filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            } catch {
                code = error
            }
        }
        if let code { throw code }
        return bytes
    }
}
