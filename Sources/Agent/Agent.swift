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
            let port = try AsyncFD(await Boot.openPort(named: "bulkhead.link"))
            let link = GuestLink(port, role: .server)
            try await serve(link)
        } catch {
            Console.log("cannot go on: \(error)")
        }
        do {
            try powerOff()
        } catch {
            Console.log("\(error)")
        }
    }

    /// The link's first stream carries the agent's service; the others are what its calls name.
    private static func serve(_ link: GuestLink) async throws {
        let service = try Service(on: link)
        let control = try await link.accept()
        Task { @EventLoop in await service.serve(control) }
        while true { service.opened(try await link.accept()) }
    }
}
