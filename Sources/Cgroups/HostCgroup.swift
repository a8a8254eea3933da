import Linux

/// A cgroup of this host, in every hierarchy that there is. Whoever has made it removes it.
public struct HostCgroup: Codable, Equatable, Sendable {
    /// Its directories.
    public private(set) var directories: [String] = []
    /// Whether it is one of version 2.
    public private(set) var isUnified = false
    /// It is not only ours: a directory of it was there before.
    public private(set) var wasThere: Bool?
    /// The scope that systemd made for it, and the slice that this is in; empty: it was made as directories.
    public private(set) var unit = "", slice = ""

    /// None at all.
    public init() {}

    /// One that was made before.
    public init(directories: [String], isUnified: Bool, unit: String, slice: String, wasThere: Bool) {
        (self.directories, self.isUnified, self.unit, self.slice) = (directories, isUnified, unit, slice)
        self.wasThere = wasThere
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
        wasThere = directories.contains(where: Files.exists)
        if case .scope(let slice, let unit) = place { (self.slice, self.unit) = (slice, unit) }
    }

    // MARK: Its life

    /// Has systemd make it, with a process in it; nil for one that is directories only.
    public func startCall(_ process: Int32) -> SystemdCall? {
        unit.isEmpty ? nil : SystemdScope(unit: unit, slice: slice).start(with: process)
    }

    /// Whether systemd, which makes it with the controllers that it has been asked for, has made it.
    public var isThere: Bool { !isUnified || directories.allSatisfy(Files.exists) }

    /// Makes one of its directories, when systemd has done its part, and moves a process into it.
    public func enter(_ process: Int32?, _ index: Int) throws(CgroupError) {
        let directory = directories[index]
        do throws(SystemCallError) {
            if isUnified, unit.isEmpty { try Self.delegate(to: directory) }
            try Self.makeDirectories(directory)
            if let process { try Cgroup.move(process, into: directory) }
        } catch {
            throw CgroupError("\(error)")
        }
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

    /// Nothing of it is left.
    public var isGone: Bool { !directories.contains(where: Files.exists) }

    /// Removes it. Blocks: for a process without an event loop.
    /// - Parameter isPatient: what is about to end in it is waited for, but not for long.
    public func removeBlocking(isPatient: Bool) throws(CgroupError) {
        guard !isGone else { return }
        if let call = stopCall { try call.run() }
        for _ in 1..<(isPatient ? 100 : 2) {
            if try removeDirectories() { return }
            CurrentProcess.sleep(milliseconds: 10)
        }
        try removeRest()
    }

    /// Has systemd end it; nil for one that is directories only.
    public var stopCall: SystemdCall? { unit.isEmpty ? nil : SystemdScope(unit: unit, slice: slice).stop() }

    /// - Returns: false when something is still in it.
    public func removeDirectories() throws(CgroupError) -> Bool {
        var isGone = true
        var failure: SystemCallError?
        for directory in directories {
            do {
                try Files.removeDirectory(directory)
            } catch {
                if error.code == ErrorNumber.busy {
                    isGone = false
                } else if error.code != ErrorNumber.noEntry {
                    failure = failure ?? error
                }
            }
        }
        if let failure { throw CgroupError("\(failure)") }
        return isGone
    }

    /// Removes it once what is still in it, children of an engine's hook for instance, has been moved into the root of each
    /// hierarchy. One that was there before is others' as well; systemd ends what is in its own, sooner or later.
    /// - Throws: when something is in it still: whoever tries again comes further.
    public func removeRest() throws(CgroupError) {
        guard wasThere != true else { return }
        if unit.isEmpty { try evict() }
        guard try !removeDirectories() else { return }
        throw CgroupError("rmdir: \(directories.first(where: Files.exists) ?? ""): something is in it")
    }

    private func evict() throws(CgroupError) {
        do throws(SystemCallError) {
            let mounts = try Self.mounts()
            for (directory, hierarchy) in zip(directories, mounts.hierarchies) {
                let processes = (try? Files.readText(directory + "/cgroup.procs")) ?? ""
                for process in processes.split(whereSeparator: \.isNewline).compactMap({ Int32($0) }) {
                    // It may just have ended.
                    try? Cgroup.move(process, into: hierarchy.mountPoint)
                }
            }
        } catch {
            throw CgroupError("\(error)")
        }
    }

    /// The directory that has the controller's files; nil when there is none.
    public func directory(of controller: String, in mounts: CgroupMounts) -> String? {
        if isUnified { return directories.first }
        return zip(directories, mounts.hierarchies).first { $1.controllers.contains(controller) }?.0
    }
}

extension HostCgroup {
    /// Has systemd know the limits; nil where it does not know the cgroup, or none of them.
    public func limitCall(_ limits: CgroupLimits) -> SystemdCall? {
        unit.isEmpty ? nil : SystemdScope(unit: unit, slice: slice).set(limits)
    }

    /// Writes the limits down in the cgroup's files.
    /// - Throws: the first that the kernel refuses, or does not have.
    public func write(_ limits: CgroupLimits, in mounts: CgroupMounts) throws(CgroupError) {
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
                if let otherwise = setting.otherwise,
                    error.code == ErrorNumber.noEntry || error.code == ErrorNumber.invalid && !otherwise.isEmpty
                {
                    try apply(otherwise, in: mounts)
                    continue
                }
                let why = error.code == ErrorNumber.noEntry ? "this host's kernel has no such file" : error.reason
                throw CgroupError("\(path) cannot be \(setting.value): \(why)")
            }
        }
    }
}
