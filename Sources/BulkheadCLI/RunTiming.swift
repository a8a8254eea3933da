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

    private let begin: UInt64
    private var steps: [Step] = []

    /// - Parameter begin: when this command's first instruction was, of `MonotonicTime`.
    init(since begin: UInt64) { self.begin = begin }

    func note(_ what: String) { steps.append(Step(at: MonotonicTime.now, who: "command", what: what)) }

    /// What the monitor knows of the pod's begin, as far as it has come.
    func add(_ client: MonitorClient) async {
        // A pod that has just ended says nothing any more.
        guard let info = try? await client.debugInfo(within: .seconds(2)) else { return }
        steps += info.timings.map {
            Step(at: info.begin &+ $0.microseconds &* 1000, who: "monitor", what: $0.step)
        }
        if !info.origin.isEmpty { origin = info.origin }
    }

    /// What the machine began as.
    private var origin = "that of a pod which was there already"

    private var sorted: [Step] { steps.sorted { $0.at < $1.at } }

    private func milliseconds(_ time: UInt64) -> String {
        let tenths = (time > begin ? time - begin : 0) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// For people.
    var text: String {
        var table = TextTable(["AT, MS", "WHO", "STEP"])
        for step in sorted { table.add([milliseconds(step.at), step.who, step.what]) }
        return "the machine is \(origin)\n" + table.text
    }

    var json: JSONValue {
        .members([
            "Machine": .string(origin),
            "Steps": .array(
                sorted.map {
                    .members([
                        "Milliseconds": .number(milliseconds($0.at)), "Who": .string($0.who), "Step": .string($0.what),
                    ])
                }),
        ])
    }
}
