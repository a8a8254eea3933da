import Glibc
import Linux
import Testing

@testable import Templates

@Suite struct TemplateStoreTests {
    @Test func whatIsPublishedIsThere() throws {
        try inStore { store in
            let id = key().id
            #expect(try store.ids() == [])
            #expect(throws: TemplateProblem.missing) { try store.header(id) }
            let header = try publish(in: store)
            #expect(header.key == key() && header.memory.sizeBytes == 1 << 20 && header.memoryUsedBytes == 3 * 4096)
            #expect((header.memoryMiB, header.vCPUs, header.buildMilliseconds) == (1, 2, 777))
            #expect(header.createdAt == 1_483_576_558_000_000_000)
            #expect(try store.header(id) == header)
            #expect(try store.state(id, header) == stateBytes)
            #expect(try store.ids() == [id])
            #expect(store.users(of: id) == 0)
            #expect(store.path(id) == store.directory + "/" + id)
            #expect(try Files.names(in: store.directory) == [id, "build.lock"].sorted())
            #expect(try Files.names(in: store.path(id)) == ["memory", "state", "template.json", "users"])
            // A guest's memory is nobody else's to read.
            #expect(try Files.status(store.directory).mode == 0o700)
            #expect(try Files.status(store.path(id)).mode == 0o700)
            for name in ["memory", "state", "template.json"] {
                #expect(try Files.status(store.path(id) + "/" + name).mode == 0o600)
            }
            #expect(
                try extents(of: try Files.open(store.path(id) + "/memory"))
                    == [0..<4096, 12_288..<16_384, 1_044_480..<1_048_576])
        }
    }

    @Test func theStateIsWhatIsInTheFile() throws {
        try inStore { store in
            // However far it has been read or written.
            let state = try Files.inMemory(stateBytes, name: "state")
            _ = try state.read(upTo: 5)
            _ = try store.lockBuild(within: .zero)
            let header = try store.publish(
                key(), machine: (1, 1), memory: try memory(), state: state, createdAt: 0, buildMilliseconds: 0)
            #expect(try store.state(key().id, header) == stateBytes)
            #expect(try publish(key("empty"), state: [], in: store).state.sizeBytes == 0)
            #expect(try store.state(key("empty").id, store.header(key("empty").id)) == [])
        }
    }

    @Test func idsAreOfTemplatesOnly() throws {
        try inStore { store in
            try publish(key("a"), in: store)
            try publish(key("b"), in: store)
            store.noteFailure(key("c").id, "no reason")
            let id = key("d").id
            for name in [id.uppercased(), id + "0", String(id.dropLast()), "." + id.dropFirst(), ".unfinished-1", "x"] {
                try Files.makeDirectory(store.directory + "/" + name)
            }
            #expect(try store.ids() == [key("a").id, key("b").id].sorted())
        }
    }

    @Test(arguments: [
        ("", false), ("0123456789abcdef0123456789abcdef", true), ("0123456789abcdef0123456789abcdeF", false),
        ("0123456789abcdef0123456789abcde", false), ("0123456789abcdef0123456789abcdef0", false),
        ("0123456789abcdef0123456789abcde/", false), ("0123456789abcdef0123456789abcdé", false),
        ("../0123456789abcdef0123456789abc", false),
    ]) func anIDHasSoManyDigits(_ name: String, _ isID: Bool) {
        #expect(TemplateStore.isID(name) == isID)
    }

    @Test func whatIsRemovedIsGone() throws {
        try inStore { store in
            #expect(throws: Never.self) { try store.remove(key().id) }
            try publish(key("a"), in: store)
            try publish(key("b"), in: store)
            try store.remove(key("a").id)
            #expect(try store.ids() == [key("b").id])
            #expect(throws: TemplateProblem.missing) { try store.header(key("a").id) }
            #expect(throws: Never.self) { try store.remove(key("a").id) }
            #expect(try Files.names(in: store.directory) == [key("b").id, "build.lock"].sorted())
        }
    }

    // MARK: Damage

    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let problem: TemplateProblem
        /// To the directory of a template.
        let change: @Sendable (String) throws -> Void

        init(_ description: String, _ problem: TemplateProblem, _ change: @escaping @Sendable (String) throws -> Void) {
            (testDescription, self.problem, self.change) = (description, problem, change)
        }
    }

    @Test(arguments: [
        Damage("no directory", .missing) { try Files.removeTree($0) },
        Damage("no header", .damaged("there is no template.json")) { try Files.remove($0 + "/template.json") },
        Damage("an empty header", .damaged("template.json is none")) { try Files.write([], to: $0 + "/template.json") },
        Damage("half a header", .damaged("template.json is none")) { path in
            let bytes = try Files.read(path + "/template.json")
            try Files.write(Array(bytes.prefix(bytes.count / 2)), to: path + "/template.json")
        },
        Damage("a large header", .damaged("template.json is too large")) { path in
            try Files.write([UInt8](repeating: 0x20, count: 65537), to: path + "/template.json")
        },
        Damage("another's header", .damaged("template.json is another's")) { path in
            let bytes = try Files.readText(path + "/template.json").replacing(#""name": "a""#, with: #""name": "b""#)
            try Files.write(Array(bytes.utf8), to: path + "/template.json")
        },
        Damage("no state", .damaged("there is no state")) { try Files.remove($0 + "/state") },
        Damage("a short state", .damaged("its state has 19 bytes, not 20")) { path in
            try Files.open(path + "/state", .readWrite).truncate(to: 19)
        },
        Damage("an empty state", .damaged("its state has 0 bytes, not 20")) { try Files.write([], to: $0 + "/state") },
        Damage("a long state", .damaged("its state has 21 bytes, not 20")) { path in
            try Files.open(path + "/state", .readWrite).truncate(to: 21)
        },
        Damage("a huge state", .damaged("state is too large")) { path in
            try Files.open(path + "/state", .readWrite).truncate(to: 64 << 20 + 1)
        },
        Damage("a changed state", .damaged("its state is not what was saved")) { path in
            try overwrite(path + "/state", at: 7, [stateBytes[7] ^ 0x10])
        },
        Damage("no memory", .damaged("there is no memory")) { try Files.remove($0 + "/memory") },
        Damage("a short memory", .damaged("its memory is not 1048576 bytes long")) { path in
            try Files.open(path + "/memory", .readWrite).truncate(to: 1 << 20 - 1)
        },
        Damage("an empty memory", .damaged("its memory is not 1048576 bytes long")) { path in
            try Files.write([], to: path + "/memory")
        },
        Damage("a long memory", .damaged("its memory is not 1048576 bytes long")) { path in
            try Files.open(path + "/memory", .readWrite).truncate(to: 1 << 20 + 4096)
        },
        Damage("a changed memory", .damaged("its memory is not what was saved")) { path in
            try overwrite(path + "/memory", at: 12_288 + 4095, [2 ^ 0x80])
        },
        Damage("a page more", .damaged("its memory is not what was saved")) {
            try overwrite($0 + "/memory", at: 8192, [1])
        },
        Damage("a page less", .damaged("its memory is not what was saved")) { path in
            try overwrite(path + "/memory", at: 0, [UInt8](repeating: 0, count: 4096))
        },
        Damage("nobody's place", .damaged("there is no users")) { try Files.removeTree($0 + "/users") },
    ]) func damageIsFound(_ damage: Damage) throws {
        try inStore { store in
            try publish(in: store)
            #expect(throws: Never.self) { _ = try Template(key(), in: store) }
            try damage.change(store.path(key().id))
            #expect(throws: damage.problem) { _ = try Template(key(), in: store) }
            // It can be made anew all the same.
            let header = try publish(in: store)
            #expect(try Template(key(), in: store).header == header)
            #expect(try store.ids() == [key().id])
        }
    }

    /// A directory, or what would keep a reader waiting.
    @Test(arguments: ["template.json", "state", "memory"]) func aPartIsAFile(_ name: String) throws {
        try inStore { store in
            try publish(in: store)
            let path = store.path(key().id) + "/" + name
            try Files.remove(path)
            try Files.makeDirectory(path)
            #expect(throws: TemplateProblem.self) { _ = try Template(key(), in: store) }
            try Files.removeDirectory(path)
            #expect(mkfifo(path, 0o600) == 0)
            #expect(throws: TemplateProblem.self) { _ = try Template(key(), in: store) }
        }
    }

    @Test func problemsAreSentences() {
        #expect("\(TemplateProblem.missing)" == "there is no template yet")
        #expect("\(TemplateProblem.damaged("its state is none"))" == "the template is damaged: its state is none")
        let error = SystemCallError("open", "/x", code: EACCES)
        #expect("\(TemplateProblem.system(error))" == "the template cannot be read: \(error)")
    }

    // MARK: Making

    @Test func oneIsMadeAtATime() throws {
        try inStore { store in
            let first = try store.lockBuild(within: .zero)
            #expect(isThere(first) == true)
            #expect(try isThere(store.lockBuild(within: .zero)) == false)
            #expect(try isThere(store.lockBuild(within: .milliseconds(3))) == false)
            // Of another directory it is another's.
            #expect(try isThere(TemplateStore(directory: store.directory + "-2").lockBuild(within: .zero)) == true)
            _ = consume first
            #expect(try isThere(store.lockBuild(within: .zero)) == true)
            #expect(try isThere(store.lockBuild(within: .zero)) == true)
        }
    }

    @Test func whatKilledBuildersHaveLeftIsRemoved() throws {
        try inStore { store in
            try publish(in: store)
            for name in [".unfinished-", ".unfinished-12ab"] {
                try Files.makeDirectories(store.directory + "/" + name + "/users/deep")
                try Files.write([1], to: store.directory + "/" + name + "/memory")
            }
            store.noteFailure(key("b").id, "why")
            let lock = try store.lockBuild(within: .zero)
            #expect(isThere(lock) == true)
            #expect(try Files.names(in: store.directory) == [key().id, key("b").id + ".failed", "build.lock"].sorted())
            // Whoever does not get the lock leaves another's work alone.
            try Files.makeDirectory(store.directory + "/.unfinished-34cd")
            #expect(try isThere(store.lockBuild(within: .zero)) == false)
            #expect(Files.exists(store.directory + "/.unfinished-34cd"))
        }
    }

    @Test func oneTakesTheOthersPlace() throws {
        try inStore { store in
            try publish(in: store)
            let old = try Template(key(), in: store)
            let header = try publish(state: [9, 9], pages: [1: 1], in: store)
            #expect(header != old.header)
            #expect(try store.ids() == [key().id])
            #expect(try store.header(key().id) == header)
            let new = try Template(key(), in: store)
            #expect(new.header == header)
            // Whoever has the old one keeps it.
            let (before, after) = try (#require(try old.takeSavedMachine()), #require(try new.takeSavedMachine()))
            #expect(try before.state.readAll(limit: 100) == stateBytes)
            #expect(try before.memory.read(upTo: 1, at: 0) == [1])
            #expect(try after.state.readAll(limit: 100) == [9, 9])
            #expect(try after.memory.read(upTo: 1, at: 0) == [0])
            #expect(try after.memory.read(upTo: 1, at: 4096) == [1])
            #expect(try Files.names(in: store.directory) == [key().id, "build.lock"].sorted())
        }
    }

    @Test func aStateThatIsTooLargeIsNotPublished() throws {
        try inStore { store in
            let lock = try store.lockBuild(within: .zero)
            let state = try Files.inMemory(sizeBytes: 64 << 20 + 1, name: "state")
            let error = #expect(throws: SystemCallError.self) {
                _ = try store.publish(
                    key(), machine: (1, 1), memory: try memory(), state: state, createdAt: 0, buildMilliseconds: 0)
            }
            #expect(error?.code == EFBIG)
            #expect(isThere(lock) == true)
            #expect(try Files.names(in: store.directory) == ["build.lock"])
        }
    }

    // MARK: Failures

    @Test func theLastFailureIsKnown() throws {
        try inStore { store in
            let id = key().id
            // Nobody has made the directory yet.
            store.noteFailure(id, "too early")
            #expect(store.lastFailure(id) == nil)
            _ = try store.lockBuild(within: .zero)
            #expect(store.lastFailure(id) == nil)
            let before = WallClock.now
            store.noteFailure(id, "first")
            store.noteFailure(id, "it has no é")
            store.noteFailure(key("b").id, "another's")
            let failure = try #require(store.lastFailure(id))
            #expect(failure.reason == "it has no é")
            // File systems have clocks that are late by a tick.
            #expect(failure.at > before - 1_000_000_000 && failure.at <= WallClock.now)
            try publish(in: store)
            #expect(store.lastFailure(id) == nil)
            #expect(store.lastFailure(key("b").id)?.reason == "another's")
        }
    }

    @Test func aReasonHasItsLimit() throws {
        try inStore { store in
            _ = try store.lockBuild(within: .zero)
            store.noteFailure(
                key().id, String(repeating: "x", count: 4095) + "é" + String(repeating: "y", count: 1 << 20))
            #expect(store.lastFailure(key().id)?.reason == String(repeating: "x", count: 4095) + "\u{FFFD}")
        }
    }
}

extension TemplateStoreTests {
    /// A disk that is really full: a small tmpfs.
    @Suite(.enabled(if: getuid() == 0, "mounting takes root")) struct DiskFullTests {
        private func onSmallDisk(_ options: String, _ body: (TemplateStore) throws -> Void) throws {
            try inDirectory { path in
                try Mounts.mount("tmpfs", on: path, type: "tmpfs", data: options)
                defer { try? Mounts.unmount(path, detach: true) }
                try body(TemplateStore(directory: path))
            }
        }

        private func names(_ store: TemplateStore) throws -> [String] {
            try Files.names(in: store.directory).filter { $0 != "build.lock" }
        }

        /// From no room for its memory to room for all of it.
        @Test func whatDoesNotFitLeavesNothing() throws {
            var (failures, successes) = (0, 0)
            for pages in 1...12 {
                try onSmallDisk("size=\(pages * 4)k") { store in
                    do {
                        let header = try publish(state: [UInt8](repeating: 5, count: 9000), in: store)
                        #expect(try Template(key(), in: store).header == header)
                        successes += 1
                    } catch let error as SystemCallError {
                        #expect(error.code == ENOSPC)
                        #expect(try names(store) == [])
                        #expect(throws: TemplateProblem.missing) { try store.header(key().id) }
                        failures += 1
                    }
                }
            }
            // Three pages of memory, three of state, one of the header.
            #expect(failures >= 6 && successes >= 1)
        }

        @Test func norDoesOneWithoutInodes() throws {
            var (failures, successes) = (0, 0)
            for inodes in 2...16 {
                try onSmallDisk("nr_inodes=\(inodes)") { store in
                    do {
                        let header = try publish(in: store)
                        #expect(try store.header(key().id) == header)
                        successes += 1
                    } catch let error as SystemCallError {
                        #expect(error.code == ENOSPC)
                        #expect(try names(store) == [])
                        failures += 1
                    }
                }
            }
            #expect(failures >= 4 && successes >= 1)
        }

        @Test func theOldOneStays() throws {
            try onSmallDisk("size=64k") { store in
                let old = try publish(in: store)
                let error = #expect(throws: SystemCallError.self) {
                    _ = try publish(
                        pages: [0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 1, 11: 1], in: store)
                }
                #expect(error?.code == ENOSPC)
                #expect(try names(store) == [key().id])
                #expect(try Template(key(), in: store).header == old)
                // Nor is there room to tell of it: that is no failure of its own.
                let ballast = try Files.open(store.directory + "/ballast", [.writeOnly, .create])
                while (try? ballast.writeAll([UInt8](repeating: 0, count: 4096))) != nil {}
                store.noteFailure(key().id, "no room")
                #expect(store.lastFailure(key().id)?.reason ?? "" == "")
                #expect(try Template(key(), in: store).header == old)
            }
        }
    }
}
