/// One change of a projected directory. All but `.setAttributes` change what names there are in the entry's parent.
public enum ProjectionStep: Equatable, Sendable {
    /// Nobody else's for now.
    case makeDirectory([UInt8])
    /// A link where nothing is.
    case make(ProjectionEntry)
    /// A file or a link, whole under a name of its own first, and then renamed to its place, whatever is there but a
    /// directory.
    case replace(ProjectionEntry, through: [UInt8])
    /// Owner, mode and time of a directory.
    case setAttributes(ProjectionEntry)
    case remove([UInt8], isDirectory: Bool)
}

/// What of a projection is there, and what makes another one of it: in an order in which whoever looks meanwhile sees what
/// is seen of the kubelet's AtomicWriter, which is the old content or the new. Pure; the agent takes a step and then notes it, so
/// that this is right also after one that failed.
public struct ProjectionState: Equatable, Sendable {
    /// What the link to the present content is called. Source: Kubernetes, pkg/volume/util/atomic_writer.go.
    public static let dataName = Array("..data".utf8)
    private static let temporaryName = Array("..data_tmp".utf8)

    public private(set) var entries: [[UInt8]: ProjectionEntry]

    /// An empty directory.
    public init() { entries = [[]: Self.newDirectory([])] }

    /// Nobody knows when it was modified: just now.
    private static let unknownTime = Int64.min

    private static func newDirectory(_ path: [UInt8]) -> ProjectionEntry {
        var entry = ProjectionEntry(path: path, mode: 0o700)
        entry.modifiedSeconds = unknownTime
        return entry
    }

    /// Takes note of a step that has been taken.
    public mutating func take(_ step: ProjectionStep) {
        switch step {
        case .makeDirectory(let path): put(Self.newDirectory(path))
        case .make(let entry), .replace(let entry, _): put(entry)
        case .setAttributes(let entry): entries[entry.path] = entry
        case .remove(let path, _):
            entries[path] = nil
            changeTime(of: ProjectionEntry(path: path).parent)
        }
    }

    private mutating func put(_ entry: ProjectionEntry) {
        entries[entry.path] = entry
        changeTime(of: entry.parent)
    }

    private mutating func changeTime(of directory: [UInt8]) {
        entries[directory]?.modifiedSeconds = Self.unknownTime
    }

    /// What is to be done, in this order, until there is what `snapshot` has, which has been checked.
    public func steps(to snapshot: ProjectionSnapshot) -> [ProjectionStep] {
        var plan = Plan(self, snapshot)
        plan.addContent()
        plan.addVisible()
        plan.removeRest()
        plan.setAttributes()
        return plan.steps
    }

    /// The steps, and what is there once they have been taken.
    private struct Plan {
        private(set) var steps: [ProjectionStep] = []
        private var state: ProjectionState
        private let wanted: [ProjectionEntry]
        /// What is wanted, by path.
        private let kinds: [[UInt8]: ProjectionKind]
        /// What no entry is called, old or new.
        private let temporary: [UInt8]

        init(_ state: ProjectionState, _ snapshot: ProjectionSnapshot) {
            self.state = state
            wanted = snapshot.entries.sorted { $0.path.lexicographicallyPrecedes($1.path) }
            kinds = Dictionary(wanted.map { ($0.path, $0.kind) }, uniquingKeysWith: { first, _ in first })
            let names = Set(wanted.map(\.name) + state.entries.values.map(\.name))
            var name = ProjectionState.temporaryName
            while names.contains(name) { name.append(UInt8(ascii: "_")) }
            temporary = name
        }

        private mutating func add(_ step: ProjectionStep) {
            steps.append(step)
            state.take(step)
        }

        /// Directories with all that is to be in them, before anything leads there.
        mutating func addContent() {
            for entry in wanted where !entry.path.isEmpty {
                if entry.kind == .directory {
                    guard state.entries[entry.path]?.kind != .directory else { continue }
                    if state.entries[entry.path] != nil { remove(entry.path) }
                    add(.makeDirectory(entry.path))
                } else if !entry.parent.isEmpty {
                    put(entry)
                }
            }
            setAttributes { !$0.path.isEmpty }
        }

        /// The files and links that are not in other directories; first the one that the others are seen by.
        mutating func addVisible() {
            let visible = wanted.filter { $0.kind != .directory && $0.parent.isEmpty }
            for entry in visible where entry.path == ProjectionState.dataName { put(entry) }
            for entry in visible where entry.path != ProjectionState.dataName { put(entry) }
        }

        /// A file or a link, unless it is there.
        private mutating func put(_ entry: ProjectionEntry) {
            guard state.entries[entry.path] != entry else { return }
            if state.entries[entry.path]?.kind == .directory { remove(entry.path) }
            let isNew = state.entries[entry.path] == nil && entry.path != ProjectionState.dataName
            add(isNew && entry.kind == .link ? .make(entry) : .replace(entry, through: temporary))
        }

        /// What is gone: what everybody sees, and then what that was seen by.
        mutating func removeRest() {
            let gone = state.entries.keys.filter { kinds[$0] == nil }.sorted { $1.lexicographicallyPrecedes($0) }
            let hidden = Array("..".utf8)
            for path in gone.filter({ !$0.starts(with: hidden) }) + gone.filter({ $0.starts(with: hidden) }) {
                removeOne(path)
            }
        }

        /// Of directories that have not what is wanted; what is done in one changes its time.
        mutating func setAttributes(where isMeant: (ProjectionEntry) -> Bool = { _ in true }) {
            for entry in wanted.reversed()
            where entry.kind == .directory && isMeant(entry) && state.entries[entry.path] != entry {
                add(.setAttributes(entry))
            }
        }

        /// With all that is in it.
        private mutating func remove(_ path: [UInt8]) {
            let below = state.entries.keys.filter { $0.starts(with: path + [ProjectionEntry.separator]) }
            for path in below.sorted(by: { $1.lexicographicallyPrecedes($0) }) + [path] { removeOne(path) }
        }

        private mutating func removeOne(_ path: [UInt8]) {
            guard let entry = state.entries[path] else { return }
            add(.remove(path, isDirectory: entry.kind == .directory))
        }
    }
}
