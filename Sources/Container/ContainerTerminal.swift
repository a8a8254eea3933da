import AgentAPI
import Linux

/// A terminal of the container's own devpts.
enum ContainerTerminal {
    private static let devices: (major: UInt32, minor: UInt32) = (5, 2)

    /// Opens a pair, makes one side this process's controlling terminal and its standard streams, and sends the other
    /// over `channel`.
    /// - Parameter console: whether it becomes the container's /dev/console too.
    static func open(
        _ spec: TerminalSpec, root: borrowing OwnedFD, console: Bool, channel: borrowing OwnedFD
    ) throws(SystemCallError) {
        let path = "/dev/pts/ptmx"
        // Non-blocking until it is known to be what it should be: the container may have put anything there.
        let controller = try Files.open(path, in: root, [.readWrite, .noTerminal, .nonBlocking, .noFollow])
        let status = try controller.status()
        guard status.kind == .characterDevice, (status.major, status.minor) == devices else {
            throw SystemCallError("open", path, code: ErrorNumber.invalid)
        }
        try controller.setNonBlocking(false)
        let terminal = try Terminal.openPeer(of: controller)
        if spec.rows > 0, spec.columns > 0 {
            let size = Terminal.Size(rows: UInt16(clamping: spec.rows), columns: UInt16(clamping: spec.columns))
            try Terminal.setSize(terminal, size)
        }
        if console { try mountConsole(terminal, root) }
        try controller.withRaw { number throws(SystemCallError) in
            try UnixSocket.send(InitMessage.terminal.encoded, descriptors: [number], over: channel)
        }
        try CurrentProcess.setControllingTerminal(terminal)
        for number in Int32(0)...2 { try CurrentProcess.duplicate(terminal, to: number) }
    }

    private static func mountConsole(_ terminal: borrowing OwnedFD, _ root: borrowing OwnedFD) throws(SystemCallError) {
        let dev = try Files.open("/dev", in: root, [.path, .directory])
        do {
            try Files.makeFile("console", in: dev, mode: 0o620)
        } catch {
            guard error.code == ErrorNumber.exists else { throw error }
        }
        let target = try Files.open("console", in: dev, [.path, .noFollow])
        let copy = try Mounts.clone(terminal, recursive: false, named: "the terminal")
        try Mounts.attach(copy, at: target, named: "/dev/console")
    }
}
