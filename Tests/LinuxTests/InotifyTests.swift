import Glibc
import Testing

@testable import Linux

@Suite struct InotifyTests {
    @Test func tellsWhatHappensInADirectory() throws {
        let path = "/tmp/bulkhead-inotify-\(getpid())"
        try Files.makeDirectory(path)
        defer { try? Files.removeTree(path) }
        let inotify = try Inotify()
        let watch = try inotify.watch(path, [.create, .modify, .movedFrom, .movedTo, .onlyDirectory])
        #expect(try inotify.read() == [])
        try Files.write([1], to: path + "/a")
        try Files.rename(path + "/a", to: path + "/b")
        let events = try inotify.read()
        #expect(events.map(\.mask) == [.create, .modify, .movedFrom, .movedTo])
        #expect(events.map { String(decoding: $0.name, as: UTF8.self) } == ["a", "a", "a", "b"])
        #expect(events.allSatisfy { $0.watch == watch })
        #expect(events[2].cookie == events[3].cookie && events[2].cookie != 0)
        #expect(try inotify.read() == [])
        #expect(throws: SystemCallError("inotify_add_watch", path + "/b", code: ENOTDIR)) {
            _ = try inotify.watch(path + "/b", [.modify, .onlyDirectory])
        }
    }

    @Test func aWatchOfAnOpenDirectoryEnds() throws {
        let path = "/tmp/bulkhead-inotify-\(getpid())-open"
        try Files.makeDirectory(path)
        defer { try? Files.removeTree(path) }
        let inotify = try Inotify()
        let watch = try inotify.watch(Files.open(path, [.path, .directory]), [.create, .onlyDirectory])
        try Files.write([], to: path + "/a")
        #expect(try inotify.read().map(\.mask) == [.create])
        try inotify.remove(watch)
        #expect(try inotify.read().map(\.mask) == [.ignored])
        try Files.write([], to: path + "/b")
        #expect(try inotify.read() == [])
        #expect(throws: SystemCallError("inotify_rm_watch", code: EINVAL)) { try inotify.remove(watch) }
    }

    @Test func eventsThatAreCutShortEndTheList() {
        let header: [UInt8] = [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]
        let whole = header + [97, 98, 0, 0]
        let event = Inotify.Event(watch: 1, mask: .modify, cookie: 0, name: [97, 98])
        #expect(Inotify.parse(whole + whole) == [event, event])
        for count in 0..<whole.count { #expect(Inotify.parse(whole + whole.prefix(count)) == [event]) }
        #expect(Inotify.parse(header.prefix(12) + [255, 255, 255, 255, 0]) == [])
    }
}
