import EventLoop
import Linux
import Testing

/// A command on a terminal of its own, which the test types into and reads from.
@EventLoop final class TerminalSession {
    /// Of the terminal at first.
    static let size = Terminal.Size(rows: 33, columns: 101)

    let process: WatchedProcess
    private let controller: AsyncFD
    private let before: Terminal.Settings
    /// What has been shown and not been waited for yet.
    private var shown: [UInt8] = []
    private let name: String

    /// Starts `plan` as the leader of a session that the terminal controls.
    init(_ plan: SpawnPlan) throws {
        name = plan.arguments.joined(separator: " ")
        let controller = try Terminal.open()
        let terminal = try Terminal.openPeer(of: controller)
        try Terminal.setSize(controller, Self.size)
        before = try Terminal.settings(of: controller)
        var plan = plan
        (plan.newSession, plan.terminal) = (true, 0)
        let number = terminal.withRaw { $0 }
        process = try WatchedProcess(
            plan.start(descriptors: (CInt(0)...2).map { DescriptorMapping(number, as: $0) }))
        self.controller = try AsyncFD(controller)
    }

    func type(_ text: String) async throws { try await controller.write(Array(text.utf8)) }

    /// Waits until `text` is shown, after what was waited for before.
    func expect(_ text: String, within limit: Duration = Patience.limit) async throws {
        let wanted = Array(text.utf8)
        do {
            try await within(limit, waitingFor: text) {
                while true {
                    if let end = Self.end(of: wanted, in: self.shown) {
                        self.shown.removeFirst(end)
                        return
                    }
                    self.shown += try await self.controller.read()
                }
            }
        } catch {
            throw NotShown(text: text, instead: String(decoding: shown, as: UTF8.self), because: "\(error)")
        }
    }

    struct NotShown: Error { let text: String, instead: String, because: String }

    private static func end(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= wanted.count else { return nil }
        return (wanted.count...bytes.count).first { Array(bytes[($0 - wanted.count)..<$0]) == wanted }
    }

    /// Changes the size, of which the kernel tells the foreground processes.
    func resize(rows: UInt16, columns: UInt16) throws {
        try controller.withFD { fd throws(SystemCallError) in
            try Terminal.setSize(fd, Terminal.Size(rows: rows, columns: columns))
        }
    }

    func settings() throws -> Terminal.Settings {
        try controller.withFD { fd throws(SystemCallError) in try Terminal.settings(of: fd) }
    }

    var isRaw: Bool { get throws { try settings() != before } }

    /// Waits for the command's end and expects the terminal to be set as before.
    func end(within limit: Duration = Patience.limit) async throws -> Int32 {
        let exit = try await within(limit, waitingFor: "end of \(name)") {
            try await self.process.exit.value()
        }
        #expect(try !isRaw, "\(name) left its terminal raw")
        return exit.code
    }

    /// Takes the terminal away, as a window that is closed does.
    func hangUp() { controller.close() }
}

extension Bulkhead {
    func onTerminal(_ arguments: String...) throws -> TerminalSession { try TerminalSession(plan(arguments)) }
}
