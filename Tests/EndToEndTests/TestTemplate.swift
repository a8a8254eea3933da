import EventLoop
import Linux
import Testing

/// The template that the machines of all tests begin as clones of, which would otherwise be made by whoever comes first.
@EventLoop enum TestTemplate {
    /// What pods of tests begin as that say nothing of it.
    enum Beginning: String {
        case boot, clone, spare
    }

    /// `BULKHEAD_TEST_BEGINNING` of the environment, so that all tests can be run with each.
    nonisolated static let beginning =
        CurrentProcess.environment("BULKHEAD_TEST_BEGINNING").flatMap { Beginning(rawValue: $0) } ?? .clone

    nonisolated static let directory = Guest.repository + "/build/test-templates"
    private static var isReady = false
    private static var isBeingMade = false
    private static let changed = Condition()

    /// Makes it, once.
    static func prepare() async throws {
        while isBeingMade { try await changed.wait() }
        guard !isReady, beginning != .boot else { return }
        isBeingMade = true
        defer {
            isBeingMade = false
            changed.notify()
        }
        let root = "/run/bulkhead-test-template"
        let configuration = root + ".yaml"
        try Files.write(
            Array(
                "accelerator: tcg\ntemplate:\n  directory: \(directory)\nspare:\n  count: 0\n\(Guest.section)".utf8),
            to: configuration)
        defer { try? Files.remove(configuration) }
        let plan = SpawnPlan(
            Guest.launcher, ["bulkhead", "--root", root, "--state-dir", root + "/state", "template", "build"],
            environment: ["PATH=/usr/bin:/bin", "BULKHEAD_CONFIG=\(configuration)"])
        let result = try await Bulkhead.start(plan, hasInput: false).end()
        try? Files.removeTree(root)
        try #require(result.code == 0, "\(result)")
        isReady = true
    }
}
