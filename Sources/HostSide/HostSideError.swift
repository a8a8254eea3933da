/// Why something of a container cannot be on the host as its config.json has it.
public struct HostSideError: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
