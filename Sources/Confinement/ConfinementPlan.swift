import JSON

/// What a confined program gets of the host: everything else is out of its reach. Pure; `Confinement` carries it out.
public struct ConfinementPlan: Equatable, Sendable {
    /// A file or directory of the host that the program sees.
    public struct Bind: Equatable, Sendable {
        /// How it sees it. Set-uid bits count nowhere.
        public enum Access: String, Sendable {
            /// Read-only, no device nodes.
            case readOnly
            /// The same, where the host has it.
            case optional
            /// A device node that stays usable.
            case device
            /// A directory that can be written, without the mounts below it. Nothing in it can be executed.
            case writable
            /// A directory with the mounts below it, present and later ones. It is read-only; they are as they are on the
            /// host.
            case share
        }
        public var source: String
        public var target: String
        public var access: Access

        public init(_ source: String, at target: String? = nil, _ access: Access = .readOnly) {
            self.source = source
            self.target = target ?? source
            self.access = access
        }
    }

    /// An empty directory of the host, over which the program's root is mounted.
    public var root: String
    public var binds: [Bind] = []
    /// Symbolic links in the root: path and what it says.
    public var links: [Bind] = []
    /// Whether the program sees itself in /proc: its own process, and nothing of the kernel's or of others.
    public var showsItself = false
    /// The program's user and group. 0 only for a program that makes files of root's: it can do what `capabilities`
    /// say, and whatever root's ownership of the binds gives it.
    public var uid: UInt32
    /// Capability numbers that it keeps, as a mask.
    public var capabilities: UInt64 = 0
    /// The number of a pidfd of the process whose death is the program's, too.
    public var parentFD: Int32
    public var program: String
    public var arguments: [String]
    /// `KEY=value` lines, all of them.
    public var environment: [String] = []

    public init(root: String, uid: UInt32, parentFD: Int32, program: String, arguments: [String]) {
        self.root = root
        self.uid = uid
        self.parentFD = parentFD
        self.program = program
        self.arguments = arguments
    }

    /// The plan as text, for the confining process's command line.
    public var serialized: String {
        func bind(_ bind: Bind) -> JSONValue {
            .array([.string(bind.source), .string(bind.target), .string(bind.access.rawValue)])
        }
        return JSONValue.members([
            "root": .string(root), "binds": .array(binds.map(bind)), "links": .array(links.map(bind)),
            "showsItself": .bool(showsItself), "uid": .number("\(uid)"), "capabilities": .number("\(capabilities)"),
            "parent": .number("\(parentFD)"),
            "program": .string(program), "arguments": .array(arguments.map { .string($0) }),
            "environment": .array(environment.map { .string($0) }),
        ]).serialized
    }

    /// Reads what `serialized` wrote; nil for anything else.
    public init?(serialized: String) {
        guard let value = try? JSONParser.parse(Array(serialized.utf8)),  // Why it is no plan helps nobody.
            let root = value["root"]?.text, let program = value["program"]?.text,
            let uid: UInt32 = value["uid"]?.integer(), let parentFD: Int32 = value["parent"]?.integer(),
            let capabilities: UInt64 = value["capabilities"]?.integer()
        else { return nil }
        let arguments = (value["arguments"]?.elements ?? []).compactMap(\.text)
        self.init(root: root, uid: uid, parentFD: parentFD, program: program, arguments: arguments)
        self.capabilities = capabilities
        showsItself = value["showsItself"] == .bool(true)
        environment = (value["environment"]?.elements ?? []).compactMap(\.text)
        binds = (value["binds"]?.elements ?? []).compactMap(Bind.init)
        links = (value["links"]?.elements ?? []).compactMap(Bind.init)
    }
}

extension ConfinementPlan.Bind {
    fileprivate init?(_ value: JSONValue) {
        let parts = value.elements
        guard parts.count == 3, let source = parts[0].text, let target = parts[1].text,
            let access = parts[2].text.flatMap(Access.init(rawValue:))
        else { return nil }
        self.init(source, at: target, access)
    }
}

extension JSONValue {
    fileprivate func integer<T: FixedWidthInteger>() -> T? {
        guard case .number(let digits) = self else { return nil }
        return T(digits)
    }
}
