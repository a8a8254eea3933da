import EventLoop
import Linux
import OCI
import Support
import Testing

/// Standard streams and terminals that an engine gives to `bulkhead-runtime`.
@Suite struct RuntimeStreamTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func anythingCanBeAStream() async throws {
        try await OCIRuntime.with { runtime in
            // Files: what was in them stays.
            let file = runtime.bulkhead.root + "/out"
            try Files.write(Array("before\n".utf8), to: file)
            let bundle = try runtime.bundle("files", "head -c 3; echo error >&2; seq 3")
            let output = try Files.open(file, [.writeOnly, .append])
            let source = runtime.bulkhead.root + "/in"
            try Files.write(Array("abcdef".utf8), to: source)
            let input = try Files.open(source)
            try await runtime.run("files", bundle, Streams(input, output, output))
            #expect(try Files.readText(file) == "before\nabcerror\n1\n2\n3\n")

            // What is one for both outputs keeps their order.
            let order = try runtime.bundle("order", "for i in $(seq 100); do echo $i; echo $i >&2; done")
            try Files.write([], to: file)
            try await runtime.run("order", order, Streams(input, output, output))
            #expect(try Files.readText(file) == (1...100).map { "\($0)\n\($0)\n" }.joined())

            // A socket whose other end half-closes.
            let ends = try UnixSocket.pair()
            let socket = try runtime.bundle("socket", "cat; echo end")
            let peer = try AsyncFD(ends.first)
            let running = try await runtime.create("socket", socket, Streams(ends.second, ends.second, ends.second))
            try await runtime("start", "socket").expectSuccess()
            try await peer.write(Array("through ".utf8))
            try peer.withFD { fd throws(SystemCallError) in try fd.finishWriting() }
            var text = ""
            while text.count < 12, case let bytes = try await peer.read(), !bytes.isEmpty {
                text += String(decoding: bytes, as: UTF8.self)
            }
            #expect(text == "through end\n")
            #expect(try await running.exit.value().code == 0)
            try await runtime("delete", "socket").expectSuccess()

            // Nothing at all.
            let nothing = try Files.open("/dev/null", .readWrite)
            try await runtime.run(
                "null", runtime.bundle("null", "cat; yes | head -n 100000"), Streams(nothing, nothing, nothing))
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func theEngineHasItsPipesAsTheyWere() async throws {
        try await OCIRuntime.with { runtime in
            let pipe = try Pipe()
            let nothing = try Files.open("/dev/null")
            let running = try await runtime.create(
                "pipe", runtime.bundle("pipe", "sleep 600"), Streams(nothing, pipe.writing, pipe.writing))
            try await runtime("start", "pipe").expectSuccess()
            // Set non-blocking it would be for the engine as well, which shares it.
            #expect(try !pipe.writing.isNonBlocking)
            try await runtime("kill", "pipe", "9").expectSuccess()
            _ = try await running.exit.value()
            try await runtime("delete", "pipe").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func aReaderThatHasGoneIsTheProcesssToKnow() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("gone", "yes; echo $? >/root/status")
            let engine = try await runtime.create("gone", bundle)
            engine.closeOutput()
            try await runtime("start", "gone").expectSuccess()
            #expect(try await engine.process.exit.value().code == 0)
            // SIGPIPE.
            #expect(try Files.readText(bundle + "/rootfs/root/status") == "141\n")
            try await runtime("delete", "gone").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func theEndIsNotKeptBackByASlowReader() async throws {
        try await OCIRuntime.with { runtime in
            let pipe = try Pipe()
            let nothing = try Files.open("/dev/null")
            let running = try await runtime.create(
                "slow", runtime.bundle("slow", "yes | head -c 300000; exit 4"), Streams(nothing, pipe.writing, nothing))
            try await runtime("start", "slow").expectSuccess()
            #expect(
                try await within(Patience.limit, waitingFor: "its end") { try await running.exit.value().code } == 4)
            let reading = try AsyncFD(pipe.reading.duplicate())
            var count = 0
            _ = consume pipe
            try await runtime("delete", "slow").expectSuccess()
            while case let bytes = try await reading.read(), !bytes.isEmpty { count += bytes.count }
            #expect(count == 300_000)
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func manyStreamsGoOnAtOnce() async throws {
        try await OCIRuntime.with { runtime in
            let running = try await runtime.create("many", runtime.bundle("many", "sleep 600"))
            try await runtime("start", "many").expectSuccess()
            let commands = try (0..<32).map { _ in try runtime.start(["exec", "many", "cat"]) }
            for (number, command) in commands.enumerated() { try await command.input.write(Array("\(number)\n".utf8)) }
            // Each has come through while all are open.
            for (number, command) in commands.enumerated() { #expect(try await command.line() == "\(number)") }
            let tasks = commands.enumerated().map { number, command in
                Task { @EventLoop in
                    let text = String(repeating: "line of \(number)\n", count: 6000)
                    try await command.input.write(Array(text.utf8))
                    command.input.close()
                    let end = try await command.end()
                    return end.code == 0 && end.output == text && end.error.isEmpty
                }
            }
            for task in tasks { #expect(try await task.value) }
            try await runtime("delete", "-f", "many").expectSuccess()
            _ = try await running.end()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func aTerminalIsTheEngines() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle(
                "tty",
                "trap 'exit 130' INT; tty; stty size; read line; echo got $line; stty size; while :; do sleep 0.1; done"
            ) {
                $0.process?.terminal = true
                $0.process?.consoleSize = .init(height: 30, width: 100)
            }
            try await runtime("create", "--bundle", bundle, "tty").expectError(
                1, "cannot allocate tty if runc will detach without setting console socket")
            let socket = try ConsoleSocket(runtime.bulkhead.root)
            let engine = try await runtime.create("tty", bundle, "--console-socket", socket.path)
            let master = try await socket.receive()
            try await runtime("start", "tty").expectSuccess()
            try await master.expect("/dev/pts/0\r\n30 100\r\n")
            try await master.write("hello\n")
            try await master.expect("hello\r\ngot hello\r\n30 100\r\n")
            try master.resize(columns: 71, rows: 17)
            try await runtime.bulkhead.wait(for: "the new size") {
                try await runtime("exec", "tty", "sh", "-c", "stty size </dev/pts/0").output == "17 71\n"
            }
            // A key is a signal there.
            try await master.write("\u{3}")
            #expect(try await engine.end().code == 130)
            try await runtime("delete", "tty").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func anExecHasATerminalToo() async throws {
        try await OCIRuntime.with { runtime in
            let engine = try await runtime.create("main", runtime.bundle("main", "sleep 600"))
            try await runtime("start", "main").expectSuccess()
            let socket = try ConsoleSocket(runtime.bulkhead.root)
            try await runtime("exec", "-t", "-d", "--console-socket", socket.path, "main", "sh", "-c", "tty; sleep 600")
                .expectSuccess()
            let master = try await socket.receive()
            try await master.expect("/dev/pts/0\r\n")
            let execs = try await runtime("ps", "main").output
            #expect(execs.contains("sleep 600"))
            // Whoever has the terminal goes.
            master.close()
            try await runtime.bulkhead.wait(for: "the exec's end") {
                try await runtime("ps", "-f", "json", "main").output == "[\(try runtime.pid("main"))]\n"
            }
            try await runtime("delete", "-f", "main").expectSuccess()
            _ = try await engine.end()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func hungUpIsHungUp() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("hup", "trap 'exit 8' HUP; echo ready; while :; do sleep 0.1; done") {
                $0.process?.terminal = true
            }
            let socket = try ConsoleSocket(runtime.bulkhead.root)
            let engine = try await runtime.create("hup", bundle, "--console-socket", socket.path)
            let master = try await socket.receive()
            try await runtime("start", "hup").expectSuccess()
            try await master.expect("ready\r\n")
            master.close()
            #expect(try await engine.end().code == 8)
            try await runtime("delete", "hup").expectSuccess()
            try await runtime.expectNothingLeft()
        }
    }
}

/// Where an engine gets terminals.
@EventLoop private final class ConsoleSocket {
    let path: String
    private let listener: AsyncFD

    init(_ directory: String) throws {
        path = directory + "/console.sock"
        listener = try AsyncFD(
            UnixSocket.listen(.stream, directory: Files.open(directory, [.directory]), name: "console.sock"))
    }

    func receive() async throws -> Master {
        try await within(Patience.limit, waitingFor: "a terminal") {
            let connection = try await self.listener.retry(when: .readable) { fd throws(SystemCallError) in
                guard let connection = try UnixSocket.accept(fd) else {
                    throw SystemCallError("accept", code: ErrorNumber.again)
                }
                return try AsyncFDBox(connection)
            }
            let message = try await connection.fd.retry(when: .readable) { fd throws(SystemCallError) in
                try UnixSocket.receive(upTo: 4096, descriptorLimit: 1, over: fd)
            }
            guard let master = message.descriptors.takeFirst() else {
                throw TestFailure("a message without a terminal")
            }
            return try Master(master)
        }
    }

    /// A descriptor on its way out of a closure.
    @EventLoop private final class AsyncFDBox {
        let fd: AsyncFD
        init(_ descriptor: consuming OwnedFD) throws(SystemCallError) { fd = try AsyncFD(descriptor) }
    }
}

/// An engine's end of a terminal.
@EventLoop private final class Master {
    private let fd: AsyncFD
    private var text = ""

    init(_ descriptor: consuming OwnedFD) throws { fd = try AsyncFD(descriptor) }

    func expect(_ expected: String) async throws {
        try await within(Patience.limit, waitingFor: "\(expected.debugDescription) after \(text.debugDescription)") {
            while !self.text.contains(expected) {
                self.text += String(decoding: try await self.fd.read(), as: UTF8.self)
            }
        }
    }

    func write(_ text: String) async throws { try await fd.write(Array(text.utf8)) }

    func resize(columns: UInt16, rows: UInt16) throws {
        try fd.withFD { fd throws(SystemCallError) in try Terminal.setSize(fd, .init(rows: rows, columns: columns)) }
    }

    func close() { fd.close() }
}
