import EventLoop
import JSON
import Linux
import MonitorClient
import TaskAPI

/// Where the time of one start goes, for `run --timing`: this command's own steps and its monitor's, on one clock.
@EventLoop final class RunTiming {
    private struct Step {
        var at: UInt64
        var who: String
        var what: String
    }

    private static let monitor = "monitor"

    private let begin: UInt64
    private var steps: [Step] = []

    /// - Parameter begin: when this command's first instruction was, of `MonotonicTime`.
    init(since begin: UInt64) { self.begin = begin }

    func note(_ what: String) { steps.append(Step(at: MonotonicTime.now, who: "command", what: what)) }

    /// What the machine is, for people; nil as long as there is none.
    private var machine: String?
    /// Nothing that the pod did before this command counts.
    private var hasJoined = false

    /// The pod, which has that name, ran already.
    func join(_ pod: String) {
        hasJoined = true
        machine = "that of pod \(pod), which ran already"
    }

    /// What the monitor knows of the pod's begin, as far as it has come. More than once is fine.
    func add(_ client: MonitorClient) async {
        guard !hasJoined else { return }
        guard let info = try? await client.debugInfo(within: .seconds(2)) else {
            machine = machine ?? "one that went before it could be asked"
            return
        }
        steps.removeAll { $0.who == Self.monitor }
        steps += info.timings.map {
            Step(at: info.begin &+ $0.microseconds &* 1000, who: Self.monitor, what: $0.step)
        }
        machine = info.origin
    }

    private var sorted: [Step] { steps.sorted { $0.at < $1.at } }

    private func milliseconds(_ time: UInt64) -> String {
        let tenths = (time > begin ? time - begin : 0) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// For people.
    var text: String {
        var table = TextTable(["AT, MS", "WHO", "STEP"])
        for step in sorted { table.add([milliseconds(step.at), step.who, step.what]) }
        return (machine.map { "the machine is \($0)" } ?? "there was no machine") + "\n" + table.text
    }

    var json: JSONValue {
        .members([
            "Machine": machine.map { .string($0) } ?? .null,
            "Steps": .array(
                sorted.map {
                    .members([
                        "Milliseconds": .number(milliseconds($0.at)), "Who": .string($0.who), "Step": .string($0.what),
                    ])
                }),
        ])
    }
}
