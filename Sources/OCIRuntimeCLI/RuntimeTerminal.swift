import Linux
import OCI

/// A container's terminal on the host: its master is the engine's, and what is written to the other side comes from the
/// guest's terminal, which does all that terminals do.
final class RuntimeTerminal {
    private let master: OwnedFD
    let peer: OwnedFD
    let size: Terminal.Size?

    init(_ size: RuntimeSpec.ConsoleSize?) throws {
        master = try Terminal.open()
        peer = try Terminal.openPeer(of: master)
        _ = try Terminal.makeRaw(peer)
        self.size = size.map { Terminal.Size(rows: UInt16(clamping: $0.height), columns: UInt16(clamping: $0.width)) }
        if let size = self.size { try Terminal.setSize(master, size) }
    }

    /// - Throws: for a socket without a terminal, and the other way round, in runc's words.
    static func check(_ isTerminal: Bool, _ socket: String) throws(RuntimeError) {
        if isTerminal, socket.isEmpty {
            throw RuntimeError("cannot allocate tty if runc will detach without setting console socket")
        }
        if !isTerminal, !socket.isEmpty {
            throw RuntimeError("cannot use console socket if runc will not detach or allocate tty")
        }
    }

    /// Gives the master to whoever listens.
    func send(to path: String) throws {
        let socket = try Self.connect(path)
        // The name that runc sends with it; nobody may open that.
        let name = Array("/dev/ptmx".utf8)
        try master.withRaw { number in try UnixSocket.send(name, descriptors: [number], over: socket) }
    }

    private static func connect(_ path: String) throws(RuntimeError) -> OwnedFD {
        do {
            return try UnixSocket.connect(.stream, path: path)
        } catch {
            throw RuntimeError("--console-socket \(path): \(error.reason)")
        }
    }

    /// This process's own end of it.
    func takeMaster() throws -> OwnedFD { try master.duplicate() }
}
