import AgentAPI
import Container
import EventLoop
import GuestLink
import Linux

/// The guest's first process: prepares the machine, answers its monitor over the guest link, never exits.
@EventLoop public enum Agent {
    /// Called by `main`. When the guest cannot be prepared it says why on the console and turns the machine off,
    /// which the monitor sees at once.
    public static func run() async {
        do {
            try Boot.prepare()
            let orphans = try OrphanReaper()
            Task { @EventLoop in
                do {
                    try await orphans.run()
                } catch {
                    Console.log("reaps no orphans any more: \(error)")
                }
            }
            let runtime = try Containers.makeRuntime()
            while true { try await serve(Boot.openPort(named: "bulkhead.link"), runtime) }
        } catch {
            Console.log("cannot go on: \(error)")
        }
        do {
            try powerOff()
        } catch {
            Console.log("\(error)")
        }
    }

    /// Serves one link after its preamble. Returns when the machine is to be saved: it goes on with another one.
    private static func serve(_ port: consuming OwnedFD, _ runtime: ContainerRuntime) async throws {
        let port = try AsyncFD(port)
        // Ready before there is a link: a template is saved here.
        let service = try Service(runtime)
        // What takes longer the first time has been done then.
        try EventLoop.renewHashSeeds()
        let preamble = try await readPreamble(port)
        // Before anything is made that is to be this machine's own.
        try Identity.addEntropy(preamble.seed)
        try EventLoop.renewHashSeeds()
        try await service.serve(GuestLink(port, role: .server))
    }

    private static func readPreamble(_ port: AsyncFD) async throws -> LinkPreamble {
        var bytes: [UInt8] = []
        while bytes.count < LinkPreamble.length {
            let more = try await port.read(upTo: LinkPreamble.length - bytes.count)
            guard !more.isEmpty else { throw GuestLink.End.closed }
            bytes += more
        }
        guard let preamble = LinkPreamble(bytes) else {
            throw GuestLink.End.failed("its preamble is none of this agent's")
        }
        return preamble
    }
}
