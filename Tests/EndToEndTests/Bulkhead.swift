import EventLoop
import Linux
import Support
import Testing

/// The command as a user has it: bin/bulkhead with directories of its own.
@EventLoop final class Bulkhead {
    struct Result: CustomStringConvertible {
        var code: Int32
        var output: String
        var error: String
        /// In one line: of others the summary of a run shows the first only.
        var description: String {
            "exit \(code), output: \(String(reflecting: output)), errors: \(String(reflecting: error))"
        }
    }

    nonisolated let root: String
    nonisolated var state: String { root + "/state" }
    /// The configuration's file.
    var configuration: String

    /// For what is to happen while a machine boots.
    static let boots = "template:\n  enabled: false\n"

    /// Runs `body` with directories that are removed afterwards, and whatever still runs in them with them.
    static func with(
        configuration: String = "", _ body: @EventLoop (Bulkhead) async throws -> Void
    ) async throws {
        try await MachineSlots.with {
            try await TestTemplate.prepare()
            try await withRoom(configuration, body)
        }
    }

    private static func withRoom(
        _ configuration: String, _ body: @EventLoop (Bulkhead) async throws -> Void
    ) async throws {
        let bulkhead = try Bulkhead(configuration)
        let result: Swift.Result<Void, any Error>
        do {
            result = .success(try await body(bulkhead))
        } catch {
            result = .failure(error)
        }
        for pid in bulkhead.processes() { try? PidFD(pid).signal(9) }
        // What the reapers of those do is waited for with the directory.
        for _ in 0..<100 where (try? Files.removeTree(bulkhead.root)) == nil {
            try await EventLoop.sleep(for: .milliseconds(50))
        }
        try result.get()
    }

    private init(_ text: String) throws {
        root = "/run/bulkhead-test-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        configuration = root + "/config.yaml"
        try Files.makeDirectories(root)
        // Said once, and of no interest here.
        try Files.write([], to: root + "/network-notice")
        try Files.write([], to: root + "/accelerator-notice")
        try configure(text)
    }

    /// Writes the configuration, with what all tests have in common.
    func configure(_ text: String) throws {
        var text = text.contains("accelerator:") ? text : "accelerator: tcg\n" + text
        if !text.contains("template:") {
            // Spares are a test's own subject where it speaks of them, and there are none without templates.
            let boots = TestTemplate.beginning == .boot && !text.contains("spare:")
            text += boots ? Self.boots : "template:\n  directory: \(TestTemplate.directory)\n"
        }
        if !text.contains("guest:") { text += Guest.section }
        // A spare of each test's would take its time and memory of all others.
        if !text.contains("spare:") { text += "spare:\n  count: \(TestTemplate.beginning == .spare ? 1 : 0)\n" }
        try Files.write(Array(text.utf8), to: configuration)
    }

    /// Runs the command to its end.
    func callAsFunction(
        _ arguments: String..., input: String? = nil, within limit: Duration = Patience.limit
    ) async throws -> Result {
        let command = try start(arguments, hasInput: input != nil)
        if let input {
            try await command.input.write(Array(input.utf8))
        }
        command.input.close()
        return try await command.end(within: limit)
    }

    func callAsFunction(list arguments: [String], within limit: Duration = Patience.limit) async throws -> Result {
        let command = try start(arguments, hasInput: false)
        command.input.close()
        return try await command.end(within: limit)
    }

    /// Starts the command with pipes for its streams.
    func start(_ arguments: [String], hasInput: Bool = true) throws -> RunningCommand {
        try Self.start(plan(arguments), hasInput: hasInput)
    }

    /// Starts any program so.
    static func start(_ plan: SpawnPlan, hasInput: Bool = true) throws -> RunningCommand {
        let input = try Pipe(), output = try Pipe(), error = try Pipe()
        let nothing = try Files.open("/dev/null")
        let child = try plan.start(descriptors: [
            DescriptorMapping(hasInput ? input.reading.withRaw { $0 } : nothing.withRaw { $0 }, as: 0),
            DescriptorMapping(output.writing.withRaw { $0 }, as: 1),
            DescriptorMapping(error.writing.withRaw { $0 }, as: 2),
        ])
        return RunningCommand(
            plan.arguments.dropFirst().joined(separator: " "), try WatchedProcess(child), try AsyncFD(input.writing),
            try AsyncFD(output.reading),
            try AsyncFD(error.reading))
    }

    func plan(_ arguments: [String]) -> SpawnPlan {
        SpawnPlan(
            Guest.launcher, ["bulkhead", "--root", root, "--state-dir", state] + arguments,
            environment: ["PATH=/usr/bin:/bin", "BULKHEAD_CONFIG=\(configuration)", "FROM_HOST=passed on"])
    }

    /// Waits until `condition` holds.
    func wait(for what: String, _ condition: @escaping @EventLoop () async throws -> Bool) async throws {
        try await within(Patience.limit, waitingFor: what) {
            while try await !condition() { try await EventLoop.sleep(for: .milliseconds(20)) }
        }
    }

    /// Waits until no process of any pod is left.
    func waitUntilNothingRuns(_ what: String = "the end of all") async throws {
        do {
            try await wait(for: what) {
                try await self.drainSpares()
                return self.processes().isEmpty
            }
        } catch let error as TimedOut {
            let left = processes().map { pid in
                let line = (try? Files.readText("/proc/\(pid)/cmdline")) ?? "",
                    now = (try? Files.readText("/proc/\(pid)/status")) ?? ""
                return "\(pid): \(line.prefix(3000)) \(now)"
            }
            throw TestFailure("\(error); what runs: \(left)")
        }
    }

    /// Ends what waits for pods when all tests are run with spares, whatever the test's configuration is.
    private func drainSpares() async throws {
        guard TestTemplate.beginning == .spare else { return }
        let own = configuration
        configuration = root + "/drain.yaml"
        defer { configuration = own }
        try configure("")
        try await self("spare", "drain").expectSuccess()
    }

    /// The pods' processes on the host.
    nonisolated func processes() -> [Int32] {
        let names = (try? Files.names(in: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            let line = (try? Files.readText("/proc/\(pid)/cmdline")) ?? ""
            if line.hasPrefix("bulkhead-") { return line.contains(root) }
            // Somebody else's, in the host's mount namespace, sees the mounts of all.
            guard line.hasPrefix("qemu-system"),
                let namespace = try? Files.readLink("/proc/\(pid)/ns/mnt"),
                namespace != (try? Files.readLink("/proc/self/ns/mnt"))
            else { return false }
            return (try? Files.readText("/proc/\(pid)/mountinfo"))?.contains(root.dropFirst(4)) ?? false
        }
    }

    /// No process, mount, pod, user or name is left, and these containers only.
    func expectNothingLeft(containers: Int = 0) async throws {
        // A reaper ends a moment after its monitor.
        for _ in 0..<40 where !processes().isEmpty {
            try await drainSpares()
            try await EventLoop.sleep(for: .milliseconds(50))
        }
        #expect(processes() == [])
        func names(_ path: String) throws -> [String] { Files.exists(path) ? try Files.names(in: path) : [] }
        #expect(try names(state + "/pods") == [])
        #expect(try names(state + "/users") == [])
        #expect(try names(root + "/containers").count == containers)
        #expect(try names(root + "/names").count == containers)
        #expect(try !Files.readText("/proc/self/mounts").contains(root), "a mount is left")
    }
}

extension Bulkhead.Result {
    /// It ended well.
    @discardableResult func expectSuccess(location: SourceLocation = #_sourceLocation) -> Self {
        #expect(code == 0, "\(self)", sourceLocation: location)
        return self
    }

    /// It ended well, with this output.
    func expectOutput(_ text: String, location: SourceLocation = #_sourceLocation) {
        #expect(code == 0 && output == text, "\(self)", sourceLocation: location)
    }

    /// It ended with this code, and its errors have this text in them.
    func expectError(_ code: Int32, _ text: String, location: SourceLocation = #_sourceLocation) {
        #expect(
            self.code == code && (text.isEmpty || error.contains(text)), "\(self)", sourceLocation: location)
    }
}

/// A command that runs, with its streams.
@EventLoop final class RunningCommand {
    let process: WatchedProcess
    let input: AsyncFD
    private let output: AsyncFD, error: AsyncFD

    private let name: String

    init(_ name: String, _ process: WatchedProcess, _ input: AsyncFD, _ output: AsyncFD, _ error: AsyncFD) {
        (self.name, self.process, self.input, self.output, self.error) = (name, process, input, output, error)
    }

    /// Waits for the end of the command and of its output.
    func end(within limit: Duration = Patience.limit) async throws -> Bulkhead.Result {
        try await within(limit, waitingFor: "end of \(name)") {
            async let output = Self.all(self.output)
            async let error = Self.all(self.error)
            let exit = try await self.process.exit.value()
            return Bulkhead.Result(code: exit.code, output: try await output, error: try await error)
        }
    }

    /// Reads no more of its output, as a reader that ends does.
    func closeOutput() { output.close() }

    /// The next line of its output, without its end.
    func line(within limit: Duration = Patience.limit) async throws -> String {
        try await within(limit, waitingFor: "line of output") {
            var line: [UInt8] = []
            while case let byte = try await self.output.read(upTo: 1), !byte.isEmpty, byte != [10] { line += byte }
            return String(decoding: line, as: UTF8.self)
        }
    }

    private static func all(_ end: AsyncFD) async throws -> String {
        var text: [UInt8] = []
        do {
            while case let bytes = try await end.read(), !bytes.isEmpty { text += bytes }
        } catch let error as SystemCallError where error.code == ErrorNumber.badDescriptor {
            // The test has closed it.
        }
        return String(decoding: text, as: UTF8.self)
    }
}
