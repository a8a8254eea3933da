import AgentAPI
import EventLoop
import GuestLink
import Linux
import Support
import Testing

/// Processes that join a container, and what their streams carry besides bytes.
@Suite(.serialized) struct ProcessTests {
    init() { BackgroundLoop.start() }

    private func size(_ rows: UInt32, _ columns: UInt32) -> TerminalSpec {
        var size = TerminalSpec()
        (size.rows, size.columns) = (rows, columns)
        return size
    }

    private var withTerminals: ContainerSpec {
        var spec = Guest.spec(["sleep", "600"])
        var mount = MountSpec()
        (mount.destination, mount.type, mount.source) = ("/dev/pts", "devpts", "devpts")
        mount.data = "newinstance,ptmxmode=0666,mode=0620"
        spec.mounts.append(mount)
        return spec
    }

    @EventLoop @Test func aTerminalHasItsSizeAndHearsOfAnother() async throws {
        try await Guest.withBusybox { agent in
            _ = try await agent.start("main", withTerminals)
            let script = """
                trap 'echo changed $(stty size)' WINCH; stty size; tty
                n=0; while [ $n -lt 9 ]; do n=$((n+1)); read line || continue; echo "got $line"
                [ "$line" = end ] && exit 3; done; echo end of file
                """
            let shell = try await agent.exec("main", "shell", ["sh", "-c", script], terminal: size(31, 99)).output
            #expect(try await agent.read(shell, until: "/dev/pts/0").contains("31 99\r\n"))
            var resize = ResizeRequest()
            (resize.container, resize.process, resize.size) = ("main", "shell", size(50, 120))
            let _: Empty = try await agent.call(AgentService.Method.resize, resize)
            #expect(try await agent.read(shell, until: "changed 50 120").contains("changed 50 120"))
            // The end of what the monitor sends is no end of file for a terminal, and its output goes on.
            try await shell.write(Array("end\r".utf8))
            shell.finish()
            let last = try await agent.read(shell, until: "got end\r\n")
            #expect(last.contains("got end"), "\(last)")
            let end = try await agent.wait("main", "shell")
            #expect(end.status == 3)
            #expect(end.outputBytes > 40, "\(end)")
            #expect(try await agent.readAll(shell) == [])
        }
    }

    @EventLoop @Test func theEndOfAPipeIsOneThingAndAReaderThatLeavesAnother() async throws {
        try await Guest.withBusybox { agent in
            _ = try await agent.start("main", Guest.spec(["sleep", "600"]))
            // Half-closed: the answer comes after the end of the input.
            let sum = try await agent.exec("main", "sum", ["md5sum"])
            try await sum.input.write(Array("hello\n".utf8))
            sum.input.finish()
            #expect(try await agent.readAll(sum.output) == Array("b1946ac92492d2347c6235b4d2611184  -\n".utf8))
            #expect(try await agent.wait("main", "sum").status == 0)

            // Broken off: neither end of file nor broken pipe.
            let script = """
                read line; echo ready; head -c 1000000 /dev/zero; echo $? >/tmp/wrote; read line; echo $? >/tmp/read
                """
            let left = try await agent.exec("main", "left", ["sh", "-c", script])
            try await left.input.write(Array("go\n".utf8))
            #expect(try await agent.read(left.output, until: "ready\n").hasPrefix("ready\n"))
            for stream in [left.input, left.output, left.error] { stream.reset() }
            let look =
                "n=0; until [ -e /tmp/wrote ] || [ $n = 100 ]; do sleep 0.1; n=$((n+1)); done; cat /tmp/wrote /tmp/read"
            let seen = try await agent.exec("main", "look", ["sh", "-c", look])
            #expect(try await agent.readAll(seen.output) == Array("0\n".utf8))
            try await agent.signal(9, "main", "left")
            #expect(try await agent.wait("main", "left").status == 137)

            // Whoever writes to a process that has ended hears of it.
            let gone = try await agent.exec("main", "gone", ["true"])
            #expect(try await agent.wait("main", "gone").status == 0)
            await #expect(throws: LinkStreamReset.self) {
                while true { try await gone.input.write([UInt8](repeating: 0, count: 100_000)) }
            }
        }
    }
}
