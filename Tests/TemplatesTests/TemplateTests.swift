import Glibc
import Linux
import Synchronization
import Testing

@testable import Templates

@Suite struct TemplateTests {
    private func isGiven(_ template: Template) throws -> Bool { try template.takeSavedMachine() != nil }

    private func users(_ store: TemplateStore) throws -> [String] {
        try Files.names(in: store.path(key().id) + "/users")
    }

    @Test func aCloneGetsMemoryAndState() throws {
        try inStore { store in
            let header = try publish(in: store)
            let template = try Template(key(), in: store)
            #expect(template.header == header)
            let saved = try #require(try template.takeSavedMachine())
            #expect(try saved.memory.status().sizeBytes == 1 << 20)
            #expect(try extents(of: saved.memory) == [0..<4096, 12_288..<16_384, 1_044_480..<1_048_576])
            for (page, byte) in [(0, 1), (1, 0), (3, 2), (254, 0), (255, 3)] as [(Int64, UInt8)] {
                #expect(try saved.memory.read(upTo: 4096, at: page * 4096) == [UInt8](repeating: byte, count: 4096))
            }
            // From its beginning, by whoever gets the descriptor.
            #expect(try saved.state.readAll(limit: 1000) == stateBytes)
            #expect(saved.state.isSealed == true)
        }
    }

    @Test func aSavedMachineIsGivenOnce() throws {
        try inStore { store in
            try publish(in: store)
            let template = try Template(key(), in: store)
            #expect(try isGiven(template))
            #expect(try !isGiven(template))
            #expect(try isGiven(Template(key(), in: store)), "another one has its own")
        }
    }

    /// QEMU opens it for writing and maps it privately, and nobody can write to what all share.
    @Test func theMemoryIsSealed() throws {
        try inStore { store in
            try publish(in: store)
            let saved = try #require(try Template(key(), in: store).takeSavedMachine())
            #expect(saved.memory.isSealed == true)
            let file = try Files.open(saved.memory.withRaw { "/proc/self/fd/\($0)" }, .readWrite)
            #expect(throws: SystemCallError("pwrite", code: EPERM)) { try write([9], at: 0, file) }
            #expect(throws: SystemCallError("write", code: EPERM)) { _ = try file.write([9]) }
            #expect(throws: SystemCallError.self) { try file.truncate(to: 0) }
            #expect(throws: SystemCallError.self) { try file.truncate(to: 1 << 21) }
            let shared = file.withRaw { mmap(nil, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, $0, 0) }
            #expect(shared == MAP_FAILED && errno == EPERM)
            let mapped = file.withRaw { mmap(nil, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE, $0, 0) }
            let own = try #require(mapped == MAP_FAILED ? nil : mapped)
            defer { munmap(own, 1 << 20) }
            #expect(own.load(as: UInt8.self) == 1)
            own.storeBytes(of: 9, as: UInt8.self)
            own.storeBytes(of: 9, toByteOffset: 8192, as: UInt8.self)
            #expect(own.load(as: UInt8.self) == 9)
            #expect(try file.read(upTo: 1, at: 0) == [1])
            #expect(try file.read(upTo: 1, at: 8192) == [0])
        }
    }

    // MARK: Sharing

    private func inode(_ template: Template) throws -> UInt64 {
        try #require(try template.takeSavedMachine()).memory.status().inode
    }

    @Test func oneMemoryIsForAll() throws {
        try inStore { store in
            try publish(in: store)
            let first = try Template(key(), in: store)
            let note = try #require(try users(store).first)
            #expect(MemoryNote(name: note)?.pid == getpid())
            let second = try Template(key(), in: store)
            let shared = try inode(first)
            #expect(try inode(second) == shared)
            #expect(MemoryNote(name: note)?.inode == shared)
            #expect(try users(store).count == 2)
            // What is on the disk does not matter as long as somebody has it.
            try overwrite(store.path(key().id) + "/memory", at: 0, [9])
            #expect(try inode(Template(key(), in: store)) == shared)
        }
    }

    @Test func aUserLeavesNothing() throws {
        try inStore { store in
            try publish(in: store)
            var template: Template? = try Template(key(), in: store)
            var saved = try template?.takeSavedMachine()
            let inode = try saved?.memory.status().inode
            #expect(try users(store).count == 1)
            template = nil
            #expect(try users(store) == [])
            // It reads from the disk then.
            let next = try Template(key(), in: store)
            #expect(try self.inode(next) != inode)
            #expect(try saved?.memory.read(upTo: 1, at: 0) == [1])
            saved = nil
        }
    }

    @Test func theSecondUserIsEnough() throws {
        try inStore { store in
            try publish(in: store)
            var first: Template? = try Template(key(), in: store)
            let second = try Template(key(), in: store)
            #expect(first != nil)
            first = nil
            #expect(try users(store).count == 1)
            #expect(try inode(Template(key(), in: store)) == inode(second))
        }
    }

    @Test func oneThatIsRemovedGoesOn() throws {
        try inStore { store in
            try publish(in: store)
            let template = try Template(key(), in: store)
            try store.remove(key().id)
            #expect(throws: TemplateProblem.missing) { _ = try Template(key(), in: store) }
            let saved = try #require(try template.takeSavedMachine())
            #expect(try saved.memory.read(upTo: 1, at: 0) == [1])
            #expect(try saved.state.readAll(limit: 100) == stateBytes)
            #expect(try store.ids() == [])
        }
    }

    /// Without a place for notes, as on a disk that is full, each has a memory of its own.
    @Test func anotherTemplateIsAnothersMemory() throws {
        try inStore { store in
            try publish(key("a"), in: store)
            try publish(key("b"), in: store)
            #expect(try inode(Template(key("a"), in: store)) != inode(Template(key("b"), in: store)))
        }
    }

    /// Those that come at once wait for the first of them to read it.
    @Test func oneReadsForAllThatComeAtOnce() throws {
        try inStore { store in
            try publish(pages: Dictionary(uniqueKeysWithValues: (0..<256).map { ($0, UInt8($0 | 1)) }), in: store)
            for _ in 0..<10 {
                let opened = Mutex<[Template]>([]), failures = Mutex<[String]>([])
                let threads = try (0..<6).map { _ in
                    try WorkThread {
                        do throws(TemplateProblem) {
                            let template = try Template(key(), in: store)
                            opened.withLock { $0.append(template) }
                        } catch {
                            failures.withLock { $0.append("\(error)") }
                        }
                    }
                }
                for thread in threads { _ = try thread.takeEnd()?.read(upTo: 1) }
                #expect(failures.withLock { $0 } == [])
                let inodes = try opened.withLock { $0 }.map { try inode($0) }
                #expect(inodes.count == 6 && Set(inodes).count == 1)
            }
            #expect(try users(store) == [])
        }
    }

    // MARK: Notes of others

    @Test func notesOfTheDeadAreRemoved() throws {
        try inStore { store in
            try publish(in: store)
            let place = store.path(key().id) + "/users/"
            let dead = MemoryNote(pid: try endedProcess(), startTime: 5, number: 3, inode: 7)
            let start = try #require(ProcessTime.start(of: getpid()))
            // The number is somebody's again.
            let later = MemoryNote(pid: getpid(), startTime: start + 1, number: 3, inode: 7)
            let current = MemoryNote(pid: getpid(), startTime: start, number: 1_000_000, inode: 7)
            let others = ["x", "1.2.3", "-1.2.3.4", "1.2.3.4.5", ".1.2.3", "1.2.-3.4"]
            for name in [dead.name, later.name, current.name] + others { try Files.write([], to: place + name) }
            #expect(store.users(of: key().id) == 1)
            let template = try Template(key(), in: store)
            let left = try users(store).filter { !others.contains($0) && $0 != current.name }
            #expect(left.count == 1)
            let own = try #require(left.first.flatMap { MemoryNote(name: $0) })
            #expect(try own.pid == getpid() && own.startTime == start && own.inode == inode(template))
            #expect(try Set(users(store)).isSuperset(of: others + [current.name]))
        }
    }

    @Test func usersAreProcesses() throws {
        try inStore { store in
            #expect(store.users(of: key().id) == 0)
            try publish(in: store)
            let first = try Template(key(), in: store), second = try Template(key(), in: store)
            #expect(store.users(of: key().id) == 1)
            // A process that has it as well.
            let input = try Pipe()
            let child = try SpawnPlan("/bin/cat", ["cat"]).start(
                descriptors: [DescriptorMapping(input.reading.withRaw { $0 }, as: 0)])
            let start = try #require(ProcessTime.start(of: child.pid))
            let note = MemoryNote(pid: child.pid, startTime: start, number: 0, inode: 1)
            try Files.write([], to: store.path(key().id) + "/users/" + note.name)
            try Files.write([], to: store.path(key().id) + "/users/\(child.pid).1.0.1")
            #expect(store.users(of: key().id) == 2)
            try child.pidfd.signal(SIGKILL)
            _ = try child.pidfd.wait()
            #expect(store.users(of: key().id) == 1)
            withExtendedLifetime((first, second)) {}
        }
    }
}

@Suite struct MemoryNoteTests {
    @Test func aNoteIsItsName() throws {
        let note = MemoryNote(pid: 12, startTime: UInt64.max, number: 0, inode: 34)
        #expect(note.name == "12.18446744073709551615.0.34")
        #expect(MemoryNote(name: note.name) == note)
        let memory = try Files.inMemory([1], name: "memory")
        let own = try #require(try MemoryNote(memory))
        #expect(MemoryNote(name: own.name) == own)
        #expect(own.pid == getpid() && own.isCurrent)
        #expect(try own.number == memory.withRaw { $0 } && own.inode == memory.status().inode)
    }

    @Test(arguments: [
        "", ".", "...", "1.2.3", "1.2.3.", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5", "0.2.3.4", "-1.2.3.4", "1.-2.3.4",
        "1.2.-3.4", "1.2.3.-4", "x.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.0x4", "2147483648.2.3.4", "1.2.2147483648.4",
        "1.18446744073709551616.3.4", "1.2.3.18446744073709551616", "١.2.3.4", "1,2,3,4",
    ]) func anyOtherNameIsNone(_ name: String) {
        #expect(MemoryNote(name: name) == nil)
    }

    private func opens(_ note: MemoryNote, sizeBytes: Int64 = 4096) -> Bool { isThere(note.open(sizeBytes: sizeBytes)) }

    @Test func whatIsStillThereIsOpened() throws {
        let memory = try Files.inMemory([UInt8](repeating: 5, count: 4096), name: "memory")
        let note = try #require(try MemoryNote(memory))
        switch note.open(sizeBytes: 4096) {
        case .some(let file):
            #expect(try file.status().inode == note.inode)
            #expect(try file.read(upTo: 1, at: 0) == [5])
        case .none: Issue.record("it is not opened")
        }
        #expect(!opens(note, sizeBytes: 4095))
        #expect(!opens(note, sizeBytes: 8192))
        var other = note
        other.inode += 1
        #expect(!opens(other))
        other = note
        other.startTime += 1
        #expect(!opens(other) && !other.isCurrent)
        other = note
        other.pid = try endedProcess()
        #expect(!opens(other) && !other.isCurrent)
        withExtendedLifetime(memory) {}
    }

    @Test func memoryThatIsNotSealedYetIsNot() throws {
        let memory = try Files.inMemory(sizeBytes: 4096, name: "memory")
        let note = try #require(try MemoryNote(memory))
        #expect(!opens(note))
        try memory.seal()
        #expect(opens(note))
    }

    /// The number may be another file's by now: whatever it is, nobody waits for it, and nobody believes it.
    @Test(arguments: ["/dev/null", "/dev/zero", "/etc/passwd", "/proc/self/stat", "/"])
    func anotherFileIsNotOpened(_ path: String) throws {
        let file = try Files.open(path)
        let note = try #require(try MemoryNote(file))
        #expect(try !opens(note, sizeBytes: file.status().sizeBytes))
        withExtendedLifetime(file) {}
    }

    @Test func norIsAPipeOrASocket() throws {
        let pipe = try Pipe(), pair = try UnixSocket.pair()
        let reading = try pipe.reading.duplicate()
        _ = consume pipe  // Nobody writes: an open for reading would wait for somebody who does.
        let piped = try #require(try MemoryNote(reading)), socket = try #require(try MemoryNote(pair.first))
        #expect(!opens(piped, sizeBytes: 0))
        #expect(!opens(socket, sizeBytes: 0))
        withExtendedLifetime(reading) {}
        withExtendedLifetime(pair.first) {}
    }
}

/// The number of a process that is no more.
private func endedProcess() throws -> pid_t {
    let child = try SpawnPlan("/bin/true", ["true"]).start()
    _ = try child.pidfd.wait()
    return child.pid
}
