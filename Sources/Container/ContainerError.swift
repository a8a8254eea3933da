import Linux

/// Why a container or a process of it could not be made.
public struct ContainerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller tells apart: container engines show 127 for a program or working directory that is not there, 126
    /// for one that cannot be executed or entered.
    public enum Kind: UInt8, Sendable {
        case other = 0, notFound, notExecutable
    }
    /// What was being done: `mount /proc`, `execute ls`.
    public let stage: String
    /// What went wrong, for people.
    public let text: String
    /// What it is to a caller.
    public let kind: Kind

    /// - Parameter stage: what was being done; `text`: what went wrong.
    public init(_ stage: String, _ text: String, kind: Kind = .other) {
        self.stage = stage
        self.text = text
        self.kind = kind
    }

    /// Both, for a log.
    public var description: String { "\(stage): \(text)" }

    /// What a shell would report: 127, 126, or 1 for anything else.
    public var exitCode: Int32 {
        switch kind {
        case .other: 1
        case .notFound: 127
        case .notExecutable: 126
        }
    }
}

/// Runs `body` as the step `name` of making a container.
func stage<R: ~Copyable>(
    _ name: @autoclosure () -> String, _ body: () throws(SystemCallError) -> R
) throws(ContainerError) -> R {
    do {
        return try body()
    } catch {
        throw ContainerError(name(), "\(error)")
    }
}
