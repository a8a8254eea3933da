import Protobuf
import TaskAPI

/// Where containerd takes events, on the socket that TTRPC_ADDRESS names.
/// Source: containerd, api/services/ttrpc/events/v1/events.proto (release 1.6).
public enum EventService {
    public static let name = "containerd.services.events.ttrpc.v1.Events"
    /// `ForwardRequest` → `TaskEmpty`.
    public static let forward = "Forward"
}

public struct ForwardRequest: Codable, Equatable, Sendable {
    public var envelope: EventEnvelope?
    public init(_ envelope: EventEnvelope) { self.envelope = envelope }
    enum CodingKeys: Int, CodingKey { case envelope = 1 }
}

/// An event with when, in which namespace and of what kind it was.
public struct EventEnvelope: Codable, Equatable, Sendable {
    public var timestamp: Timestamp?
    public var namespace = "", topic = ""
    public var event: ProtobufAny?

    /// - Throws: never for the events that there are.
    public init<Event: TaskEvent>(_ event: Event, at timestamp: Timestamp, in namespace: String) throws(ProtobufError) {
        (self.timestamp, self.namespace, topic) = (timestamp, namespace, Event.topic)
        self.event = ProtobufAny(typeURL: Event.typeURL, value: try Protobuf.encode(event))
    }
    enum CodingKeys: Int, CodingKey { case timestamp = 1, namespace, topic, event }
}
