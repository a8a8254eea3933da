import ContainerStore
import Glibc
import Linux
import OCI
import Pod
import Testing

@Suite struct ContainerStoreTests {
    private func withStore(_ body: (ContainerStore, _ root: String) throws -> Void) throws {
        let root = "/tmp/bulkhead-store-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        defer { try? Files.removeTree(root) }
        try body(ContainerStore(root: root, state: root + "/state"), root)
    }

    private func record(_ id: String, _ name: String, createdAt: Int64 = 1) -> ContainerRecord {
        ContainerRecord(
            id: id, name: name, image: "busybox", imageID: "sha256:1", imageManifest: "sha256:2", createdAt: createdAt,
            command: ["sh", "-c", "true"], labels: ["a": "b"], hostname: "inside", user: "", terminal: false,
            interactive: true,
            removesItself: false, stopSignal: 15, writableBytes: 1, logFileBytes: 1,
            logFiles: 3)
    }

    @Test func aContainerIsFoundByNameIdAndItsBeginning() throws {
        try withStore { store, _ in
            _ = try store.add(record("aabb01", "first"), specification: [])
            _ = try store.add(record("aacc02", "second", createdAt: 2), specification: [])
            for reference in ["first", "aabb01", "aab"] { #expect(try store.find(reference).record.name == "first") }
            #expect(throws: StoreError.ambiguous("aa")) { try store.find("aa") }
            for reference in ["", "third", "b", "../aabb01", ".", "..", "a/b", "aabb01\0"] {
                #expect(throws: StoreError.notFound(reference)) { try store.find(reference) }
            }
            #expect(store.all().map(\.record.name) == ["second", "first"])
            #expect(try store.find("first").record == record("aabb01", "first"))
            #expect(try store.find("first").status.phase == .created)
        }
    }

    /// Pods and containers have their names from one place, and are found apart.
    @Test func podsAreKeptBesideContainers() throws {
        try withStore { store, root in
            let pods = PodStore(root: root, state: root + "/state")
            let shop = PodRecord(id: "dd01", name: "shop", createdAt: 1, hostname: "shop", sharedMemoryBytes: 1)
            _ = try pods.add(shop)
            #expect(try pods.find("shop").record == shop)
            #expect(try pods.find("dd").status.phase == .created)
            #expect(throws: StoreError.notFound("shop")) { try store.find("shop") }
            #expect(throws: StoreError.notFound("web", "pod")) { try pods.find("web") }
            #expect(throws: StoreError.nameInUse("shop", by: "pod dd01")) {
                _ = try store.add(record("bb", "shop"), specification: [])
            }
            // A container of a pod lives while the pod's monitor does, whatever its own id.
            var web = record("aa", "web")
            (web.pod, web.removesItself) = ("dd01", true)
            _ = try store.add(web, specification: [])
            var status = ContainerStatus(.running)
            status.startedAt = 5
            try status.save(in: store.directory(of: "aa"))
            try Files.makeDirectories(root + "/state/pods/dd01")
            #expect(try store.find("web").status.phase == .running)
            #expect(store.removeOrphans(among: store.all()).count == 1)
            try Files.removeTree(root + "/state/pods/dd01")
            #expect(try store.find("web").status.phase == .exited)
            #expect(store.removeOrphans(among: store.all()).isEmpty)
            try pods.remove(shop)
            #expect(try Files.names(in: root + "/names") == [])
        }
    }

    /// Nobody has been left to make one that its pod has never had.
    @Test func aMemberThatNobodyMakesIsAnOrphan() throws {
        try withStore { store, root in
            try Files.makeDirectories(root + "/state/pods/dd01")
            var web = record("aa", "web")
            (web.pod, web.removesItself) = ("dd01", true)
            let lock = try store.add(web, specification: [])
            #expect(store.removeOrphans(among: store.all()).count == 1)
            _ = consume lock
            #expect(store.removeOrphans(among: store.all()).isEmpty)
        }
    }

    /// A name like the beginning of an id means the container of that name.
    @Test func aNameWinsOverTheBeginningOfAnId() throws {
        try withStore { store, _ in
            _ = try store.add(record("abcd01", "first"), specification: [])
            _ = try store.add(record("ffff02", "abcd"), specification: [])
            #expect(try store.find("abcd").record.id == "ffff02")
        }
    }

    @Test func aNameHasOneOwner() throws {
        try withStore { store, root in
            _ = try store.add(record("aa", "web"), specification: [])
            #expect(throws: StoreError.nameInUse("web", by: "container aa")) {
                _ = try store.add(record("bb", "web"), specification: [])
            }
            #expect(try Files.names(in: root + "/containers") == ["aa"])
            try store.remove(record("aa", "web"))
            #expect(try Files.names(in: root + "/names") == [])
            _ = try store.add(record("bb", "web"), specification: [])
            // Somebody removed the record by hand.
            try Files.removeTree(store.directory(of: "bb"))
            _ = try store.add(record("cc", "web"), specification: [])
            #expect(try store.find("web").record.id == "cc")
        }
    }

    @Test func whatIsNoRecordIsSkipped() throws {
        try withStore { store, root in
            _ = try store.add(record("aa", "good"), specification: [])
            for (id, text) in [("bb", "{"), ("cc", "{}"), ("dd", "")] {
                try Files.makeDirectories(root + "/containers/" + id)
                try Files.write(Array(text.utf8), to: root + "/containers/\(id)/" + ContainerRecord.fileName)
            }
            var other = record("ee", "later")
            other.version = 2
            try Files.makeDirectories(root + "/containers/ee")
            try Files.write(other.encode(), to: root + "/containers/ee/" + ContainerRecord.fileName)
            #expect(store.all().map(\.record.id) == ["aa"])
            #expect(throws: StoreError.notFound("ee")) { try store.find("ee") }
            try Files.write([], to: root + "/containers/file")
            #expect(store.unreadable().sorted() == ["bb", "cc", "ee"].map { root + "/containers/" + $0 })
            try Files.remove(root + "/containers/file")
            // What a power cut has left is old; what is young may be locked in a moment.
            var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
            #expect(utimensat(AT_FDCWD, root + "/containers/dd", &times, 0) == 0)
            _ = store.removeOrphans(among: [])
            #expect(try Set(Files.names(in: root + "/containers")) == ["aa", "bb", "cc", "ee"])
        }
    }

    @Test func whatWasToGoWithItsContainerGoes() throws {
        try withStore { store, root in
            func add(_ id: String, removes: Bool) throws -> OwnedFD {
                var record = self.record(id, "name-" + id)
                record.removesItself = removes
                return try store.add(record, specification: [])
            }
            _ = try add("aa", removes: true)
            _ = try add("bb", removes: false)
            // Whoever makes it lives.
            let lock = try add("cc", removes: true)
            // Its pod is there.
            _ = try add("dd", removes: true)
            try Files.makeDirectories(root + "/state/pods/dd")
            let left = store.removeOrphans(among: store.all())
            #expect(Set(left.map(\.record.id)) == ["bb", "cc", "dd"])
            #expect(try Files.names(in: root + "/containers") == ["bb", "cc", "dd"])
            #expect(try Files.names(in: root + "/names").count == 3)
            // A name that such a one has is free.
            _ = consume lock
            var record = self.record("ee", "name-cc")
            record.removesItself = true
            // A child that another test is spawning has the lock's file until it executes.
            var attempts = 0
            while attempts < 200, (try? store.add(record, specification: [])) == nil {
                attempts += 1
                usleep(10_000)
            }
            #expect(try store.find("name-cc").record.id == "ee")
        }
    }

    @Test func aContainerWhosePodIsGoneHasEnded() throws {
        try withStore { store, _ in
            _ = try store.add(record("aa", "web"), specification: [])
            let path = store.directory(of: "aa") + "/" + ContainerStatus.fileName
            try Files.write(ContainerStatus(.running).serialized, to: path)
            #expect(try store.find("web").status.phase == .exited)
            #expect(try store.find("web").status.exitCode == 137)
        }
    }

    /// What `status.json` and the store say in turn, for a container that has ended and is started again.
    @Test func aStartKeepsTheLastEndUntilThereIsAnother() throws {
        try withStore { store, root in
            _ = try store.add(record("aa", "web"), specification: [])
            let directory = store.directory(of: "aa"), pod = root + "/state/pods/aa"
            var ended = ContainerStatus(.exited)
            (ended.exitCode, ended.startedAt, ended.finishedAt) = (3, 10, 20)
            try ended.save(in: directory)
            try store.noteStart(try store.find("web"))
            // Nobody is at it.
            #expect(try store.find("web").status == ended)
            try Files.makeDirectories(pod)
            #expect(try store.find("web").status.phase == .created)
            try Files.removeTree(pod)
            try store.noteFailedStart("aa", error: "no machine")
            ended.error = "no machine"
            #expect(try store.find("web").status == ended)
            // Its monitor has said what became of it.
            try store.noteFailedStart("aa", code: 137)
            #expect(try store.find("web").status == ended)
            try store.noteFailedStart("bb", code: 137)
        }
    }

    @Test(arguments: [(nil, 128), (137, 137)] as [(UInt32?, UInt32)])
    func aFirstStartThatFailsHasAnEnd(_ code: UInt32?, _ told: UInt32) throws {
        try withStore { store, _ in
            _ = try store.add(record("aa", "web"), specification: [])
            try store.noteFailedStart("aa", code: code)
            let status = try store.find("web").status
            #expect(status.phase == .exited && status.exitCode == told && status.finishedAt > 0)
        }
    }

    @Test func oneStartsAContainerAtATime() throws {
        try withStore { store, _ in
            let record = record("aa", "web")
            let lock = try store.add(record, specification: [])
            #expect(try store.tryLock(record) == nil)
            _ = consume lock
            // A child that another test is spawning has the lock's file until it executes.
            var attempts = 0
            while attempts < 200, try store.tryLock(record) == nil {
                attempts += 1
                usleep(10_000)
            }
            #expect(attempts < 200)
            try store.remove(record)
            #expect(throws: StoreError.notFound("web")) { _ = try store.tryLock(record) }
        }
    }
}
