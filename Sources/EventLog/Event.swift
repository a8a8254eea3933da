/// Something that happened to a container, a pod or an image of this host. A value: who writes it down is
/// `EventLogWriter`, who reads it `EventLogReader`.
public struct Event: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case container, pod, image
    }

    /// Nanoseconds since 1970.
    public let time: Int64
    public let kind: Kind
    /// docker's word for it, such as `create`, `die` or `health_status: healthy`.
    public let action: String
    /// Whole, of what it happened to.
    public let id: String
    /// What else there is to know: `name`, `image`, `pod`, `exitCode`, `signal`, and a container's labels.
    public let attributes: [String: String]

    public init(time: Int64, kind: Kind, action: String, id: String, attributes: [String: String] = [:]) {
        self.time = time
        self.kind = kind
        self.action = action
        self.id = id
        self.attributes = attributes
    }
}
