import EventLoop
import Linux

/// A container's directory in cgroup v2, cgroups(7).
struct ControlGroup: Sendable {
    let path: String
    private static let removalPause = Duration.milliseconds(10), removalTries = 200

    /// Makes `parent`/`name` with its limits.
    init(parent: String, name: String, files: [String: String]) throws(ContainerError) {
        guard !name.isEmpty, name != ".", name != "..", !name.contains("/"), !name.contains("\0") else {
            throw ContainerError("make the cgroup", "no name of a directory: \(name)")
        }
        try Self.check(files)
        path = parent + "/" + name
        let path = path
        try stage("make the cgroup") { () throws(SystemCallError) in try Files.makeDirectory(path) }
        do throws(SystemCallError) {
            for (file, value) in files.sorted(by: { $0.key < $1.key }) where !Self.isIdle(file, value, in: path) {
                try Files.control(path + "/" + file, value)
            }
        } catch {
            try? Files.removeDirectory(path)
            throw Self.failure(error)
        }
    }

    /// A kernel that does not count swap has no such file; no swap, and any amount of none, is what it gives anyway.
    static func isIdle(_ file: String, _ value: String, in path: String) -> Bool {
        file == "memory.swap.max" && ["0", "max"].contains(value) && !Files.exists(path + "/" + file)
    }

    private static func check(_ files: [String: String]) throws(ContainerError) {
        for file in files.keys where !isLimit(file) {
            throw ContainerError("limit the resources", "no file of a cgroup controller: \(file)")
        }
    }

    private static func failure(_ error: SystemCallError) -> ContainerError {
        let countsNoSwap = error.code == ErrorNumber.noEntry && error.subject.hasSuffix("/memory.swap.max")
        return ContainerError(
            "limit the resources", countsNoSwap ? "memory.swap.max: the guest's kernel counts no swap" : "\(error)")
    }

    /// Changes limits. When one is refused, those before it get their old values back.
    func update(_ files: [String: String]) throws(ContainerError) {
        try Self.check(files)
        var before: [(file: String, value: String)] = []
        do throws(SystemCallError) {
            for (file, value) in files.sorted(by: { $0.key < $1.key }) where !Self.isIdle(file, value, in: path) {
                let old = (try? Files.readText(path + "/" + file, limit: 1 << 16)) ?? ""
                try Files.control(path + "/" + file, value)
                before.append((file, String(old.prefix { !$0.isNewline })))
            }
        } catch {
            // The first failure is the one to tell; an empty value says that the file could not be read.
            for (file, value) in before.reversed() where !value.isEmpty {
                try? Files.control(path + "/" + file, value)
            }
            throw Self.failure(error)
        }
    }

    /// `memory.max` and its like; `cgroup.*` is not a limit but moves and freezes processes.
    private static func isLimit(_ file: String) -> Bool {
        let parts = file.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count > 1 && parts.allSatisfy { !$0.isEmpty } && parts[0] != "cgroup"
            && !file.contains("/") && !file.contains("\0")
    }

    /// Whether the kernel has killed a process in it for want of memory. False also where nobody counts.
    var hasRunOutOfMemory: Bool {
        let events = (try? Files.readText(path + "/memory.events")) ?? ""
        return events.split(separator: "\n").contains { $0.hasPrefix("oom_kill ") && $0 != "oom_kill 0" }
    }

    /// Kills what is left in it.
    func kill() {
        try? Files.control(path + "/cgroup.kill", "1")  // It has been removed.
    }

    /// A privileged container may have made some, the lowest of which go first.
    private func removeChildren() throws(SystemCallError) {
        var waiting = [path], found: [String] = []
        while let next = waiting.popLast() {
            for name in try Files.names(in: next) where Files.isDirectory(next + "/" + name) {
                waiting.append(next + "/" + name)
                found.append(next + "/" + name)
            }
        }
        for child in found.reversed() { try Files.removeDirectory(child) }
    }

    /// Kills what is left in it and takes it away.
    @EventLoop func remove() async throws(ContainerError) {
        kill()
        var failure = ""
        for _ in 0..<Self.removalTries {
            do throws(SystemCallError) {
                try removeChildren()
                return try Files.removeDirectory(path)
            } catch {
                failure = "\(error)"
                guard error.code == ErrorNumber.busy else { break }
            }
            do {
                try await EventLoop.sleep(for: Self.removalPause)
            } catch {
                break
            }
        }
        throw ContainerError("remove the cgroup", failure)
    }
}
