import EventLog
import Pod

extension Event {
    /// That something happened to a pod or container.
    public init(_ subject: EventSubject, _ action: String, at time: Int64, _ more: [String: String] = [:]) {
        self.init(
            time: time, kind: subject.isPod ? .pod : .container, action: action, id: subject.id,
            attributes: subject.attributes.merging(more) { $1 })
    }

    /// That its first process has ended, as docker says it.
    public static func died(_ subject: EventSubject, status: UInt32, at time: Int64) -> Event {
        Event(subject, "die", at: time, ["exitCode": "\(status)"])
    }
}
