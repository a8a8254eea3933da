import EventLoop
import Glibc
import Linux
import Support
import Testing

@testable import Container

/// In a plain directory: what the kernel's files do is not looked at.
@Suite struct ControlGroupTests {
    init() { BackgroundLoop.start() }

    @Test(arguments: ["", ".", "..", "a/b", "a\u{0}b"]) @EventLoop func nameIsRefused(_ name: String) {
        #expect(throws: ContainerError.self) { _ = try ControlGroup(parent: "/nowhere", name: name, files: [:]) }
    }

    @Test(arguments: ["cgroup.procs", "memory", "memory.", "../memory.max", "a/../memory.max", ""])
    @EventLoop func fileIsRefused(_ file: String) {
        let error = #expect(throws: ContainerError.self) {
            _ = try ControlGroup(parent: "/nowhere", name: "a", files: [file: "1"])
        }
        #expect(error?.text == "no file of a cgroup controller: \(file)")
    }

    @Test @EventLoop func failureLeavesNothing() async throws {
        let parent = "/tmp/bulkhead-cgroup-\(getpid())"
        try Files.makeDirectory(parent)
        defer { try? Files.removeTree(parent) }
        let error = #expect(throws: ContainerError.self) {
            _ = try ControlGroup(parent: parent, name: "a", files: ["memory.max": "1"])
        }
        #expect(error?.description == "limit the resources: open \(parent)/a/memory.max: No such file or directory")
        #expect(!Files.exists(parent + "/a"))
        let group = try ControlGroup(parent: parent, name: "a", files: [:])
        #expect(Files.isDirectory(group.path))
        try await group.remove()
        #expect(!Files.exists(parent + "/a"))
    }

    /// A directory without the file is a kernel that does not count swap.
    @Test(arguments: [("max", true), ("0", true), ("4096", false)])
    @EventLoop func swapThatNobodyCountsCanOnlyBeNoneOrAll(_ value: String, isFine: Bool) throws {
        let parent = "/tmp/bulkhead-cgroup-\(getpid())-swap-\(value)"
        try Files.makeDirectory(parent)
        defer { try? Files.removeTree(parent) }
        if isFine {
            let group = try ControlGroup(parent: parent, name: "a", files: ["memory.swap.max": value])
            try group.update(["memory.swap.max": value])
            #expect(try Files.names(in: group.path) == [])
        } else {
            let error = #expect(throws: ContainerError.self) {
                _ = try ControlGroup(parent: parent, name: "a", files: ["memory.swap.max": value])
            }
            #expect(error?.text == "memory.swap.max: the guest's kernel counts no swap")
        }
    }

    @Test @EventLoop func aRefusedUpdateChangesNothing() throws {
        let parent = "/tmp/bulkhead-cgroup-\(getpid())-update"
        try Files.makeDirectory(parent)
        defer { try? Files.removeTree(parent) }
        let group = try ControlGroup(parent: parent, name: "a", files: [:])
        for file in ["cpu.max", "memory.max"] { try Files.write(Array("old\n".utf8), to: group.path + "/" + file) }
        try group.update(["cpu.max": "max 1"])
        #expect(try Files.readText(group.path + "/cpu.max") == "max 1")
        let error = #expect(throws: ContainerError.self) {
            try group.update(["memory.max": "new", "pids.max": "1", "cpu.max": "new  "])
        }
        #expect(error?.text == "open \(group.path)/pids.max: No such file or directory")
        #expect(try Files.readText(group.path + "/cpu.max") == "max 1")
        #expect(try Files.readText(group.path + "/memory.max") == "old\n")
        #expect(throws: ContainerError.self) { try group.update(["cgroup.freeze": "1"]) }
    }
}
