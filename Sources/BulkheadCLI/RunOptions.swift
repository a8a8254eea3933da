import CommandTree
import ContainerStore
import FrontEnd
import Glibc
import Linux
import OCI
import Pod
import SpecTranslation

/// The options of `run` as values, and the two things that come of them: what overrides the image, and what is kept.
struct RunOptions {
    var overrides = DefaultSpec.Overrides()
    var name: String?
    /// As it was typed.
    var pod: String?
    /// It is made with this container.
    var makesPod: Bool { pod?.hasPrefix(Self.newPod) ?? false }
    static let newPod = "new:"
    /// Of the pod that is made.
    var sharesProcesses = false
    /// How the times of the start are shown; nil: not at all.
    var timing: ListFormat?
    /// The machine that is made for it is no template's clone.
    var bootsMachine = false
    var detaches = false
    var interactive = false
    var terminal = false
    var removesItself = false
    var stopSignal: Int32?
    /// As in the record.
    var stopSeconds: Int32?
    var pullPolicy = PullPolicy.missing
    var isQuiet = false
    /// As it was typed.
    var idFile: String?
    /// Nil: as it is configured.
    var logDriver: LogDriver?
    var logOptions: [LogOption] = []
    var restart = RestartPolicy.no
    var noHealthCheck = false
    /// As it was typed.
    var healthCommand: String?
    /// Its times and its number; nil: the image's, or the default.
    var health = HealthRecord(command: [])
    var labels: [String: String] = [:]
    var annotations: [String: String] = [:]
    /// Whether masked and read-only paths are lifted.
    var showsSystemPaths = false
    /// A file with a seccomp profile; nil for the configured one, empty for none.
    var seccompProfile: String?

    init(_ arguments: ParsedArguments) throws {
        name = arguments.value("name")
        if let name { try Self.checkName(name) }
        pod = arguments.value("pod")
        sharesProcesses = arguments.flag("share-pid")
        guard !sharesProcesses || makesPod else {
            throw CLIError(
                "--share-pid is for a pod that is made: with --pod new:NAME, or for \"bulkhead pod create\"",
                exitCode: CLIError.notRun)
        }
        if arguments.flag("timing") { timing = .table }
        if arguments.flag("timing-json") { timing = .json }
        bootsMachine = arguments.flag("no-template")
        detaches = arguments.flag("detach")
        interactive = arguments.flag("interactive")
        terminal = arguments.flag("tty")
        removesItself = arguments.flag("rm")
        stopSignal = try arguments.value("stop-signal", as: SignalName.parse)
        stopSeconds = try arguments.value("stop-timeout", as: StopTime.parse)
        pullPolicy = arguments.value("pull").flatMap(PullPolicy.init) ?? .missing
        isQuiet = arguments.flag("quiet")
        idFile = arguments.value("cidfile")
        overrides.arguments = Array(arguments.operands.dropFirst())
        overrides.terminal = terminal
        try readProcess(arguments)
        try readFiles(arguments)
        try readLimits(arguments)
        try readMachine(arguments)
        try readLog(arguments)
        try readLife(arguments)
        try checkPod()
        for label in try arguments.values("label", as: KeyValue.parse) { labels[label.key] = label.value ?? "" }
        for note in try arguments.values("annotation", as: KeyValue.parse) {
            guard !note.key.hasPrefix(SpecAnnotation.prefix) else {
                throw CLIError(
                    "--annotation \(note.key): those that begin with \(SpecAnnotation.prefix) are written for flags, such "
                        + "as --init: use those", exitCode: CLIError.notRun)
            }
            annotations[note.key] = note.value ?? ""
        }
    }

    /// What a pod has, none of its containers has of its own.
    private func checkPod() throws {
        guard pod != nil, !makesPod else { return }
        let why = "is the pod's, which its containers share: give it to \"bulkhead pod create\""
        if !overrides.hostname.isEmpty { throw CLIError("--hostname with --pod: it \(why)", exitCode: CLIError.notRun) }
        if overrides.sharedMemoryBytes != nil {
            throw CLIError("--shm-size with --pod: it \(why)", exitCode: CLIError.notRun)
        }
        if let key = overrides.sysctls.keys.min() {
            throw CLIError("--sysctl \(key) with --pod: it \(why)", exitCode: CLIError.notRun)
        }
    }

    /// docker's rule. As long as a file's name may be.
    static func checkName(_ name: String) throws { try checkName(name, of: "container", from: 2) }

    /// podman's, which has names of one letter.
    static func checkPodName(_ name: String) throws { try checkName(name, of: "pod", from: 1) }

    private static func checkName(_ name: String, of noun: String, from minimum: Int) throws {
        guard isName(name), (minimum...255).contains(name.utf8.count) else {
            throw CLIError(
                "\"\(name)\" is no name for a \(noun): \(minimum) to 255 letters, digits, dots, underscores and hyphens",
                exitCode: CLIError.notRun)
        }
    }

    /// Its first is a letter or digit.
    private static func isName(_ text: String) -> Bool {
        text.utf8.first?.isNameByte == true && text.utf8.allSatisfy { $0.isNameByte || ".-_".utf8.contains($0) }
    }

    /// It becomes a line of /etc/hosts.
    static func checkHostname(_ name: String) throws {
        guard name.isEmpty || isName(name) && name.utf8.count <= 63 else {
            throw CLIError(
                "--hostname: up to 63 letters, digits, dots, underscores and hyphens", exitCode: CLIError.notRun
            )
        }
    }

    private mutating func readProcess(_ arguments: ParsedArguments) throws {
        for file in arguments.values("env-file") {
            overrides.environment += Self.environment(try Self.variables(ofFile: file))
        }
        overrides.environment += Self.environment(try arguments.values("env", as: KeyValue.parse))
        if let directory = arguments.value("workdir") {
            guard directory.hasPrefix("/") else {
                throw CLIError("--workdir \(directory): an absolute path is needed", exitCode: CLIError.notRun)
            }
            overrides.workingDirectory = directory
        }
        overrides.user = arguments.value("user")
        overrides.entrypoint = arguments.value("entrypoint").map { [$0] }
        overrides.hostname = arguments.value("hostname") ?? ""
        try Self.checkHostname(overrides.hostname)
        overrides.groups = arguments.values("group-add")
        overrides.hasInit = arguments.flag("init")
        overrides.addedCapabilities = arguments.values("cap-add")
        overrides.droppedCapabilities = arguments.values("cap-drop")
        for option in arguments.values("security-opt") { try readSecurityOption(option) }
    }

    /// Of an option `--env-file`.
    static func variables(ofFile file: String) throws -> [KeyValue] {
        do {
            return try EnvironmentFile.parse(Files.read(file, limit: EnvironmentFile.maximumBytes + 1))
        } catch let error as SystemCallError {
            throw CLIError("--env-file \(file): \(error.reason)", exitCode: CLIError.notRun)
        } catch {
            throw CLIError("--env-file \(file): \(error)", exitCode: CLIError.notRun)
        }
    }

    /// A variable without a value is passed on, or removed when this command has none of that name.
    static func environment(_ settings: [KeyValue]) -> [String] {
        settings.map { setting in
            guard let value = setting.value ?? CurrentProcess.environment(setting.key) else { return setting.key }
            return setting.key + "=" + value
        }
    }

    private mutating func readSecurityOption(_ text: String) throws {
        // docker takes a colon, too.
        let cut = text.firstIndex { $0 == "=" || $0 == ":" }
        let key = String(text[..<(cut ?? text.endIndex)])
        let value = cut.map { String(text[text.index(after: $0)...]) } ?? ""
        switch (key, value) {
        case ("no-new-privileges", ""), ("no-new-privileges", "true"): overrides.noNewPrivileges = true
        case ("no-new-privileges", "false"): overrides.noNewPrivileges = false
        case ("seccomp", "unconfined"): seccompProfile = ""
        case ("seccomp", "builtin"): seccompProfile = Host.builtinSeccompProfile
        case ("seccomp", _) where !value.isEmpty: seccompProfile = value
        case ("systempaths", "unconfined"): showsSystemPaths = true
        // What a label would keep a container from is on the other side of the virtual machine.
        case ("apparmor", "unconfined"), ("label", "disable"): break
        default:
            throw CLIError(
                "--security-opt \(text): known are no-new-privileges, seccomp=unconfined, seccomp=FILE and "
                    + "systempaths=unconfined", exitCode: CLIError.notRun)
        }
    }

    private mutating func readFiles(_ arguments: ParsedArguments) throws {
        overrides.readOnly = arguments.flag("read-only")
        for tmpfs in try arguments.values("tmpfs", as: TmpfsRequest.parse) { add(tmpfs) }
        let volumes = try arguments.values("volume", as: MountRequest.parse(volume:))
        for request in volumes + (try arguments.values("mount", as: MountRequest.parse(mount:))) {
            switch request {
            case .tmpfs(let tmpfs): add(tmpfs)
            case .bind(let bind): try add(bind)
            }
        }
        try checkPlaces()
    }

    /// Of two mounts at one place the first would be hidden.
    private func checkPlaces() throws {
        var places: Set<String> = []
        for place in overrides.tmpfs.map(\.destination) + overrides.mounts.map(\.destination) {
            guard places.insert(place).inserted else {
                throw CLIError("two mounts at \(place): give one of them", exitCode: CLIError.notRun)
            }
        }
    }

    private mutating func add(_ tmpfs: TmpfsRequest) {
        overrides.tmpfs.append(DefaultSpec.Tmpfs(destination: tmpfs.target, options: tmpfs.options))
    }

    private mutating func add(_ bind: BindRequest) throws {
        var source = bind.source
        if !source.hasPrefix("/") { source = try CurrentProcess.workingDirectory() + "/" + source }
        guard Files.exists(source) else {
            throw CLIError(
                "the host has no \(bind.source) to show at \(bind.target): make it first", exitCode: CLIError.notRun)
        }
        var mount = RuntimeSpec.Mount(destination: bind.target)
        mount.type = "bind"
        mount.source = source
        var options = [bind.isRecursive ? "rbind" : "bind", bind.isReadOnly ? "ro" : "rw"]
        if let propagation = bind.propagation { options.append(propagation.rawValue) }
        mount.options = options
        overrides.mounts.append(mount)
    }
}

extension UInt8 {
    fileprivate var isNameByte: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
    }
}
