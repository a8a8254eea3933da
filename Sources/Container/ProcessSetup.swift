import AgentAPI
import Linux

/// The last part of making a process, within the container's root: who it is and what it may.
struct ProcessSetup {
    let process: ProcessSpec
    let identity: UserIdentity
    let environment: [String]

    /// Looks the user up. The root directory is the container's.
    init(_ process: ProcessSpec) throws(ContainerError) {
        self.process = process
        let user = process.user
        let needsGroups = !user.name.isEmpty || !user.additionalGroupNames.isEmpty
        let users = UserDatabase(
            passwd: try Self.read("/etc/passwd"), group: needsGroups ? try Self.read("/etc/group") : [])
        var identity: UserIdentity
        if user.name.isEmpty {
            identity = UserIdentity(uid: user.uid, gid: user.gid, home: users.home(of: user.uid))
        } else {
            identity = try users.identity(for: user.name)
        }
        var further = user.additionalGroups
        for name in user.additionalGroupNames { further.append(try users.group(name)) }
        for group in further where !identity.groups.contains(group) { identity.groups.append(group) }
        guard identity.groups.count <= UserDatabase.groupLimit else {
            throw ContainerError("find the user", "it has more than \(UserDatabase.groupLimit) groups")
        }
        self.identity = identity
        var environment = process.environment
        if !environment.contains(where: { $0.hasPrefix("HOME=") }) {
            let home = identity.home ?? ""
            environment.append("HOME=" + (home.isEmpty ? "/" : home))
        }
        self.environment = environment
    }

    /// Only a regular file: an image may have put a FIFO there, which would block for ever.
    private static func read(_ path: String) throws(ContainerError) -> [UInt8] {
        do throws(SystemCallError) {
            let root = try Files.open("/", [.path, .directory])
            let file = try Files.open(path, in: root, [.readOnly, .nonBlocking, .noTerminal])
            guard try file.status().kind == .regular else {
                throw SystemCallError("open", path, code: ErrorNumber.invalid)
            }
            return try file.readAll(limit: UserDatabase.fileLimit)
        } catch {
            if error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory { return [] }
            throw ContainerError("read \(path)", "\(error)")
        }
    }

    /// Becomes that user with those capabilities. `filter` installs the seccomp filter: before, when only a privileged
    /// process may, since no_new_privs is not set.
    func apply(filter: () throws(ContainerError) -> Void) throws(ContainerError) {
        // So that the user can open /dev/stdout again.
        CurrentProcess.giveStandardStreams(to: identity.uid)
        for limit in process.limits {
            do {
                try Privileges.setLimit(limit.resource, soft: limit.soft, hard: limit.hard)
            } catch {
                let hard = limit.hard == .max ? "unlimited" : "\(limit.hard)"
                throw ContainerError("set \(limit.name) to \(limit.soft), at most \(hard)", error.reason)
            }
        }
        let capabilities = process.capabilities
        try stage("set the capabilities") { () throws(SystemCallError) in
            try Privileges.boundCapabilities(to: CapabilitySet(rawValue: capabilities.bounding))
        }
        if process.noNewPrivileges {
            try stage("set no_new_privs") { () throws(SystemCallError) in try Privileges.forbidNew() }
        } else {
            try filter()
        }
        // While it may everywhere: an image may name a directory that its user cannot enter.
        let entered = try enterWorkingDirectory(mayBeRefused: true)
        try stage("become the user \(identity.uid)") { () throws(SystemCallError) in
            try Privileges.keepCapabilities()
            try Privileges.setIdentity(uid: identity.uid, gid: identity.gid, groups: identity.groups)
        }
        try stage("set the capabilities") { () throws(SystemCallError) in
            try Privileges.setCapabilities(
                effective: CapabilitySet(rawValue: capabilities.effective),
                permitted: CapabilitySet(rawValue: capabilities.permitted),
                inheritable: CapabilitySet(rawValue: capabilities.inheritable))
            // The kernel has no others; buildah asks for some that are not inheritable, which runc passes over.
            let possible = capabilities.ambient & capabilities.permitted & capabilities.inheritable
            try Privileges.setAmbient(CapabilitySet(rawValue: possible))
        }
        // A share of the network may serve the user and not root.
        if !entered { _ = try enterWorkingDirectory(mayBeRefused: false) }
        CurrentProcess.setFileCreationMask(process.user.umask ?? 0o022)
    }

    private func enterWorkingDirectory(mayBeRefused: Bool) throws(ContainerError) -> Bool {
        let path = process.workingDirectory.isEmpty ? "/" : process.workingDirectory
        do throws(SystemCallError) {
            try changeDirectory(path)
            // A path through a descriptor could lead out of the root.
            guard try CurrentProcess.workingDirectory().hasPrefix("/") else {
                throw SystemCallError("getcwd", path, code: ErrorNumber.noEntry)
            }
            return true
        } catch {
            if mayBeRefused, error.code == ErrorNumber.noAccess { return false }
            let kind: ContainerError.Kind = error.code == ErrorNumber.noEntry ? .notFound : .notExecutable
            throw ContainerError("enter the working directory \(path)", error.reason, kind: kind)
        }
    }

    /// What an init's process is called.
    private static let initName = "init"

    /// Executes the program, looked up in the PATH of the process, or `parent`, which is to run that. Returns only when
    /// that fails.
    /// - Parameter programs: what `findPrograms` has found.
    func execute(_ programs: [String], under parent: borrowing OwnedFD?) -> ContainerError {
        var refused: SystemCallError?
        for candidate in programs {
            do {
                guard parent == nil else {
                    try Files.checkExecutable(candidate)
                    return execute(parent, candidate)
                }
                try Linux.execute(candidate, process.arguments, environment: environment)
            } catch {
                switch error.code {
                case ErrorNumber.noEntry where Files.exists(candidate):
                    return ContainerError(step, "\(candidate): its interpreter is missing", kind: .notFound)
                case ErrorNumber.noEntry, ErrorNumber.notDirectory: continue
                case ErrorNumber.noAccess: refused = refused ?? error
                default: return notExecutable(candidate, error.reason)
                }
            }
        }
        return refused.map { notExecutable($0.subject) } ?? missing
    }

    /// The files that the program may be, of those that are there: it is known before the start whether there is one.
    func findPrograms() throws(ContainerError) -> [String] {
        guard let name = process.arguments.first else {
            throw ContainerError("exec", "no program is named", kind: .notFound)
        }
        guard !name.isEmpty else { throw missing }
        // To try one takes longer, by all that is done before the call.
        let found = Self.candidates(name, environment: environment).filter { !Files.isMissing($0) }
        guard let first = found.first else { throw missing }
        // Only the call itself knows for sure.
        guard found.contains(where: { Files.mayBeExecutable($0) && !Files.isDirectory($0) }) else {
            throw notExecutable(first)
        }
        return found
    }

    /// As Go says it, and so runc: engines look for these words.
    private var step: String { "exec: \"\(process.arguments.first ?? "")\"" }
    private var missing: ContainerError {
        let isPath = process.arguments.first?.contains("/") == true
        return ContainerError(
            step, isPath ? "no such file or directory" : "executable file not found in $PATH", kind: .notFound)
    }

    private func notExecutable(_ path: String, _ reason: String = "permission denied") -> ContainerError {
        let isNamed = path == process.arguments.first
        return ContainerError(step, (isNamed ? "" : "\(path): ") + reason, kind: .notExecutable)
    }

    private func execute(_ parent: borrowing OwnedFD?, _ program: String) -> ContainerError {
        let step = "execute the init"
        do {
            try parent?.execute(
                named: Self.initName, [Self.initName, program] + process.arguments, environment: environment)
            return ContainerError(step, "there is none")
        } catch {
            return ContainerError(step, "\(error)", kind: .notExecutable)
        }
    }

    /// The files that `name` may mean, in order. Empty entries of PATH, the working directory, are passed over.
    static func candidates(_ name: String, environment: [String]) -> [String] {
        if name.contains("/") { return [name] }
        let standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        let path = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? standard[...]
        return path.split(separator: ":").map { "\($0)/\(name)" }
    }
}
