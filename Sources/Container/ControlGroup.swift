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
            for (file, value) in files.sorted(by: { $0.key < $1.key }) {
                try Files.control(path + "/" + file, value)
            }
        } catch {
            try? Files.removeDirectory(path)
            throw ContainerError("limit the resources", "\(error)")
        }
    }

    private static func check(_ files: [String: String]) throws(ContainerError) {
        for file in files.keys where !isLimit(file) {
            throw ContainerError("limit the resources", "no file of a cgroup controller: \(file)")
        }
    }

    /// Changes limits. When one is refused, those before it get their old values back.
    func update(_ files: [String: String]) throws(ContainerError) {
        try Self.check(files)
        var before: [(file: String, value: String)] = []
        do throws(SystemCallError) {
            for (file, value) in files.sorted(by: { $0.key < $1.key }) {
                let old = (try? Files.readText(path + "/" + file, limit: 1 << 16)) ?? ""
                try Files.control(path + "/" + file, value)
                before.append((file, String(old.prefix { !$0.isNewline })))
            }
        } catch {
            // The first failure is the one to tell; an empty value says that the file could not be read.
            for (file, value) in before.reversed() where !value.isEmpty {
                try? Files.control(path + "/" + file, value)
            }
            throw ContainerError("limit the resources", "\(error)")
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

    /// Kills what is left in it and takes it away.
    @EventLoop func remove() async throws(ContainerError) {
        try? Files.control(path + "/cgroup.kill", "1")
        var failure = ""
        for _ in 0..<Self.removalTries {
            do throws(SystemCallError) {
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
