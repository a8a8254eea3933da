import AgentAPI

/// What a container's init tells whoever made it, one message of the channel each. Nothing more comes once it executes
/// its program; the end of the channel says that it has.
enum InitMessage: Equatable, Sendable {
    /// The container is as the plan says; a byte is awaited, then the program is executed. Comes with its file, in a
    /// process that joins.
    case ready
    /// What the plan's seccomp profile becomes.
    case filter(SeccompProgram)
    /// Comes with a descriptor: the controlling side of the terminal.
    case terminal
    case failed(ContainerError)

    /// In bytes.
    static let limit = SeccompProgram.maximumBytes + 8
    /// Of a failure; longer texts are cut.
    private static let failureLimit = 4096
    private static let readyTag: UInt8 = 1, terminalTag: UInt8 = 2, failedTag: UInt8 = 3, filterTag: UInt8 = 4

    /// A tag; a failure has its kind, the stage, a NUL and the text after it, a filter its flags, the lowest byte first,
    /// and its instructions.
    var encoded: [UInt8] {
        switch self {
        case .ready: return [Self.readyTag]
        case .terminal: return [Self.terminalTag]
        case .filter(let program):
            return [Self.filterTag] + Bytes.of(program.flags) + program.instructions
        case .failed(let error):
            let stage = error.stage.utf8.prefix(Self.failureLimit / 4).filter { $0 != 0 }
            let text = error.text.utf8.prefix(Self.failureLimit / 2)
            return [Self.failedTag, error.kind.rawValue] + stage + [0] + text
        }
    }

    /// Nil when `bytes` are no message.
    init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case Self.readyTag where bytes.count == 1: self = .ready
        case Self.terminalTag where bytes.count == 1: self = .terminal
        case Self.filterTag:
            guard bytes.count >= 5, bytes.count <= SeccompProgram.maximumBytes + 5 else { return nil }
            self = .filter(SeccompProgram(instructions: Array(bytes[5...]), flags: Bytes.number(bytes[1..<5])))
        case Self.failedTag:
            guard bytes.count <= Self.failureLimit, bytes.count >= 3, let kind = ContainerError.Kind(rawValue: bytes[1])
            else { return nil }
            let rest = bytes.dropFirst(2)
            guard let end = rest.firstIndex(of: 0) else { return nil }
            self = .failed(
                ContainerError(
                    String(decoding: rest[..<end], as: UTF8.self),
                    String(decoding: rest[(end + 1)...], as: UTF8.self), kind: kind))
        default: return nil
        }
    }
}
