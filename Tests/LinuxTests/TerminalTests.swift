import Glibc
import Testing

@testable import Linux

@Suite struct TerminalTests {
    @Test func aTerminalHasASizeAndSettingsThatComeBack() throws {
        let controller = try Terminal.open()
        let terminal = try Terminal.openPeer(of: controller)
        let isTerminal = Terminal.isTerminal(terminal)
        #expect(isTerminal)
        try Terminal.setSize(controller, Terminal.Size(rows: 7, columns: 300))
        #expect(try Terminal.size(terminal) == Terminal.Size(rows: 7, columns: 300))
        let before = try Terminal.settings(of: controller)
        let returned = try Terminal.makeRaw(terminal)
        #expect(returned == before)
        #expect(try Terminal.settings(of: controller) != before)
        Terminal.restore(terminal, returned)
        #expect(try Terminal.settings(of: controller) == before)
    }

    @Test func whatIsNoTerminalIsAnError() throws {
        let file = try Files.open("/dev/null", .readWrite)
        let isTerminal = Terminal.isTerminal(file)
        #expect(!isTerminal)
        #expect(throws: SystemCallError("tcgetattr", code: ENOTTY)) { _ = try Terminal.makeRaw(file) }
    }

    @Test func ignoredSignalsAreLeftOut() throws {
        let before = signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, before) }
        #expect(SignalSet([SIGUSR1, SIGUSR2, SIGTERM]).withoutIgnored == SignalSet([SIGUSR1, SIGTERM]))
    }
}

@Suite struct CopyThreadTests {
    /// How the copying ended, once it has.
    private func end(of copy: CopyThread) throws -> CopyThread.End? {
        guard let ended = copy.takeEnd() else { return nil }
        #expect(try ended.readAll(limit: 1) == [])
        return copy.outcome
    }

    @Test func copiesToTheEndAndClosesTheTarget() throws {
        let source = try Pipe(), target = try Pipe()
        try source.writing.writeAll(Array("some text".utf8))
        let copy = try CopyThread(from: source.reading, to: target.writing)
        _ = consume source.writing
        #expect(try target.reading.readAll(limit: 100) == Array("some text".utf8))
        #expect(try end(of: copy) == .endOfInput)
    }

    @Test func aStopTakesWhatIsThere() throws {
        let source = try Pipe(), target = try Pipe()
        try source.writing.writeAll(Array("rest".utf8))
        let copy = try CopyThread(from: source.reading, to: target.writing)
        copy.stop()
        #expect(try end(of: copy) == .stopped)
        #expect(try target.reading.readAll(limit: 100) == Array("rest".utf8))
        _ = consume source.writing
    }

    @Test func aFilterChangesAndEnds() throws {
        let source = try Pipe(), target = try Pipe()
        let copy = try CopyThread(from: source.reading, to: target.writing) { bytes in
            bytes.removeAll { $0 == 0 }
            return false
        }
        try source.writing.writeAll([1, 0, 2])
        #expect(try end(of: copy) == .filtered)
        #expect(try target.reading.readAll(limit: 100) == [1, 2])
    }

    /// Whoever writes must learn that nobody reads.
    @Test func aTargetThatIsReadNoMoreClosesTheSource() throws {
        try ignoreSignal(SIGPIPE)
        let source = try Pipe(), target = try Pipe()
        let copy = try CopyThread(from: source.reading, to: target.writing)
        _ = consume target.reading
        // More than once: a child that another test is spawning has the target's reading end until it executes.
        for _ in 0..<500 where copy.outcome == nil {
            _ = try? source.writing.write([1])
            usleep(10_000)
        }
        try #require(copy.outcome != nil)
        #expect(try end(of: copy) == .failed(SystemCallError("write", code: EPIPE)))
        var failure: SystemCallError?
        for _ in 0..<500 where failure == nil {
            do {
                _ = try source.writing.write([1])
                usleep(10_000)
            } catch {
                failure = error
            }
        }
        #expect(failure == SystemCallError("write", code: EPIPE))
    }
}
