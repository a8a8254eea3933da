import Linux

/// A cgroup of this host, in every hierarchy that there is. Whoever has made it removes it.
public struct HostCgroup: Codable, Equatable, Sendable {
    /// Its directories.
    public private(set) var directories: [String] = []
    /// Whether it is one of version 2.
    public private(set) var isUnified = false
    /// The scope that systemd made for it, and the slice that this is in; empty: it was made as directories.
    public private(set) var unit = "", slice = ""

    /// None at all.
    public init() {}

    /// One that was made before.
    public init(directories: [String], isUnified: Bool, unit: String, slice: String) {
        (self.directories, self.isUnified, self.unit, self.slice) = (directories, isUnified, unit, slice)
    }

    /// This host's hierarchies.
    public static func mounts() throws(SystemCallError) -> CgroupMounts {
        CgroupMounts(
            mountinfo: try Files.readText("/proc/self/mountinfo", limit: 16 << 20),
            cgroup: try Files.readText("/proc/self/cgroup"))
    }

    /// What it would be; nothing is made.
    public init(_ place: CgroupPlace, in mounts: CgroupMounts) {
        directories = place.directories(in: mounts)
        isUnified = mounts.isUnified
        if case .scope(let slice, let unit) = place { (self.slice, self.unit) = (slice, unit) }
    }

    // MARK: Its life

    /// Makes it, with the cgroups that it is in, and moves a process into it. One that is there is taken as it is.
    /// - Parameter process: nil: it stays empty, which systemd's cannot.
    /// - Throws: the first directory that cannot be made; those before it stay, and `remove` removes them.
    public mutating func make(for process: Int32?) throws(CgroupError) {
        if !unit.isEmpty, let process {
            do throws(CgroupError) {
                try SystemdScope(unit: unit, slice: slice).start(with: process)
            } catch {
                // Another one of its name is not this one's to remove: that would be its processes' end.
                self = HostCgroup()
                throw error
            }
        }
        do throws(SystemCallError) {
            for directory in directories {
                // systemd makes it, with the controllers that it has been asked for.
                if isUnified, !unit.isEmpty { try Self.waitFor(directory) }
                if isUnified, unit.isEmpty { try Self.delegate(to: directory) }
                try Self.makeDirectories(directory)
                if let process { try Cgroup.move(process, into: directory) }
            }
        } catch {
            throw CgroupError("\(error)")
        }
    }

    private static func waitFor(_ directory: String) throws(SystemCallError) {
        let limit = 3000
        for _ in 0..<limit where !Files.exists(directory) { CurrentProcess.sleep(milliseconds: 10) }
    }

    /// Of version 1: without processors and memory nodes no process can be in a cgroup.
    private static let needed = ["cpuset.cpus", "cpuset.mems"]

    private static func makeDirectories(_ path: String) throws(SystemCallError) {
        guard let parent = Files.parent(of: path) else { return }
        let isThere = Files.exists(path)
        // Somebody else may have made it, and not have come further yet.
        guard !isThere || needed.contains(where: { isEmpty(path + "/" + $0) }) else { return }
        try makeDirectories(parent)
        if !isThere {
            do throws(SystemCallError) {
                try Files.makeDirectory(path)
            } catch {
                guard error.code == ErrorNumber.exists else { throw error }
            }
        }
        for name in needed where isEmpty(path + "/" + name) {
            // Version 2 has them empty, and that is everything.
            guard let inherited = try? Files.readText(parent + "/" + name), !inherited.allSatisfy(\.isWhitespace) else {
                continue
            }
            try Files.control(path + "/" + name, inherited)
        }
    }

    /// Whether a file is there, and nothing in it.
    private static func isEmpty(_ path: String) -> Bool {
        (try? Files.readText(path))?.allSatisfy(\.isWhitespace) ?? false
    }

    /// Turns controllers on from the top down, as far as the kernel lets them.
    private static func delegate(to directory: String) throws(SystemCallError) {
        var above: [String] = []
        var path = directory
        while let parent = Files.parent(of: path), Files.exists(parent + "/cgroup.controllers") || !Files.exists(parent)
        {
            above.append(parent)
            path = parent
        }
        for parent in above.reversed() {
            try makeDirectories(parent)
            // One by one: a controller that is refused keeps the others from nothing.
            let controllers = (try? Files.readText(parent + "/cgroup.controllers"))?.split(
                whereSeparator: \.isWhitespace)
            for name in controllers ?? [] { try? Files.control(parent + "/cgroup.subtree_control", "+\(name)") }
        }
    }

    /// Moves a process into it.
    public func add(_ process: Int32) throws(SystemCallError) {
        for directory in directories { try Cgroup.move(process, into: directory) }
    }

    /// Moves a process that has been put into one to where this process was when `mounts` were read.
    public static func move(_ process: Int32, to mounts: CgroupMounts) throws(SystemCallError) {
        for hierarchy in mounts.hierarchies {
            try Cgroup.move(process, into: hierarchy.mountPoint + hierarchy.own)
        }
    }

    /// Moves this process out of it, into the root of each hierarchy.
    public func leave() throws(SystemCallError) {
        for hierarchy in try Self.mounts().hierarchies {
            let own = hierarchy.mountPoint + hierarchy.own
            guard directories.contains(where: { own == $0 || own.hasPrefix($0 + "/") }) else { continue }
            try Cgroup.move(CurrentProcess.id, into: hierarchy.mountPoint)
        }
    }

    /// Removes it. Processes that are about to end in it are waited for, but not for long.
    public func remove() throws(CgroupError) {
        if !unit.isEmpty { try SystemdScope(unit: unit, slice: slice).stop() }
        var failure: SystemCallError?
        for directory in directories {
            do {
                try Self.remove(directory, waits: failure == nil)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw CgroupError("\(failure)") }
    }

    private static func remove(_ directory: String, waits: Bool) throws(SystemCallError) {
        let limit = waits ? 100 : 1
        for attempt in 1...limit {
            do throws(SystemCallError) {
                return try Files.removeDirectory(directory)
            } catch {
                if error.code == ErrorNumber.noEntry { return }
                guard error.code == ErrorNumber.busy, attempt < limit else { throw error }
            }
            CurrentProcess.sleep(milliseconds: 10)
        }
    }

    /// The directory that has the controller's files; nil when there is none.
    public func directory(of controller: String, in mounts: CgroupMounts) -> String? {
        if isUnified { return directories.first }
        return zip(directories, mounts.hierarchies).first { $1.controllers.contains(controller) }?.0
    }
}

extension HostCgroup {
    /// Limits what is in it.
    /// - Throws: the first limit that the kernel refuses, or does not have.
    public func apply(_ limits: CgroupLimits, in mounts: CgroupMounts) throws(CgroupError) {
        if !unit.isEmpty { try SystemdScope(unit: unit, slice: slice).set(limits) }
        try apply(limits.settings, in: mounts)
    }

    private func apply(_ settings: [CgroupLimits.Setting], in mounts: CgroupMounts) throws(CgroupError) {
        for setting in settings {
            guard let directory = directory(of: setting.controller, in: mounts) else {
                throw CgroupError("this host has no cgroup controller \(setting.controller) for \(setting.file)")
            }
            let path = directory + "/" + setting.file
            do {
                try Files.control(path, setting.value)
            } catch {
                if error.code == ErrorNumber.noEntry, let otherwise = setting.otherwise {
                    try apply(otherwise, in: mounts)
                    continue
                }
                let why = error.code == ErrorNumber.noEntry ? "this host's kernel has no such file" : error.reason
                throw CgroupError("\(path) cannot be \(setting.value): \(why)")
            }
        }
    }
}
