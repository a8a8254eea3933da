import AgentAPI
import Testing

@testable import SpecTranslation

@Suite struct NotifyPlaceTests {
    @Test func itIsWhereRuncHasIt() {
        var spec = ContainerSpec(), run = MountSpec()
        (run.destination, run.type) = ("/run", "tmpfs")
        spec.mounts = [run]
        spec.process.environment = ["A=b", "NOTIFY_SOCKET=/host", "NOTIFY_SOCKETS=c", "NOTIFY_SOCKET=", "PATH=/bin"]
        spec.addNotifySocket(of: "web")
        #expect(
            spec.process.environment == [
                "A=b", "NOTIFY_SOCKETS=c", "PATH=/bin", "NOTIFY_SOCKET=/run/notify/notify.sock",
            ])
        #expect(spec.mounts.count == 2 && spec.mounts[0] == run)
        let mount = spec.mounts[1]
        #expect((mount.destination, mount.type, mount.source) == ("/run/notify", "bind", "/run/notify/web"))
        // MS_RDONLY, NOSUID, NODEV, NOEXEC and BIND.
        #expect(mount.flags == 15 | 4096)
    }
}
