/// What an operand or an option's value is, as far as a shell can help with it.
public enum Completable: Sendable, Equatable {
    /// Anything: nothing is suggested.
    case nothing
    /// A container's name.
    case container
    /// An image's name.
    case image
    /// A pod's name.
    case pod
    /// The name of a pod or of a container.
    case podOrContainer
    /// A template's id.
    case template
    /// A path of this host.
    case file
    /// A directory of this host.
    case directory
    /// A path of this host up to the first colon, as `HOST:CONTAINER`.
    case fileBeforeColon
    /// A path of this host, or a container's name and a colon.
    case fileOrContainer
    /// One of these.
    case choices([String])

    /// What a name in usage lines says by itself: `CONTAINER`, `FILE`.
    static func named(_ name: String) -> Completable {
        switch name {
        case "CONTAINER": .container
        case "IMAGE": .image
        case "POD": .pod
        case "TEMPLATE": .template
        case "POD|CONTAINER": .podOrContainer
        case "FILE": .file
        case "DIR": .directory
        case "SIGNAL": .choices(SignalName.allNames)
        default: name.utf8.starts(with: "HOST:".utf8) ? .fileBeforeColon : .nothing
        }
    }
}

/// What may stand where a command line ends.
public struct Completion: Sendable, Equatable {
    /// A whole word that the last one may become.
    public struct Candidate: Sendable, Equatable {
        public let text: String
        /// One line; empty where the text says it all.
        public let summary: String

        public init(_ text: String, _ summary: String = "") {
            self.text = text
            self.summary = summary
        }
    }

    /// What the caller has to look up; never `.choices`.
    public internal(set) var lookUp = Completable.nothing
    /// Of the last word what stands before a value: `--name=`, `-f`.
    public internal(set) var prefix = ""
    /// The rest of the last word, with which a value begins.
    public internal(set) var begun = ""
    /// Those that need no looking up.
    public internal(set) var candidates: [Candidate] = []
    /// Values that were given already, where none is given twice.
    public internal(set) var taken: Set<String> = []
    /// Values of options that stand before, the last of each.
    public internal(set) var values: [String: String] = [:]

    /// Adds those of `names` that fit to the candidates.
    public mutating func add(_ names: [Candidate]) {
        candidates += names.filter { $0.text.utf8.starts(with: begun.utf8) && !taken.contains($0.text) }
            .map { Candidate(prefix + $0.text, $0.summary) }
    }
}
