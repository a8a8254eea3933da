import AgentAPI
import Testing

@testable import SpecTranslation

@Suite struct PauseContainerTests {
    private static let network: UInt64 = 0x4000_0000, pid: UInt64 = 0x2000_0000, ipc: UInt64 = 0x0800_0000
    private static let uts: UInt64 = 0x0400_0000, mount: UInt64 = 0x2_0000, cgroup: UInt64 = 0x200_0000

    @Test func itHasNamespacesAndNothingElse() throws {
        let spec = try PauseContainer.spec(hostname: "web", sysctls: ["net.a": "1"])
        #expect(spec.newNamespaces == Self.network | Self.pid | Self.ipc | Self.uts | Self.mount | Self.cgroup)
        #expect(spec.root.readOnly && spec.mounts.isEmpty && spec.devices.isEmpty)
        #expect(spec.process.capabilities == CapabilitiesSpec() && spec.process.noNewPrivileges)
        #expect(spec.hostname == "web" && spec.sysctls == ["net.a": "1"])
        #expect(throws: TranslationError.self) {
            try PauseContainer.spec(hostname: String(repeating: "a", count: 65), sysctls: [:])
        }
        #expect(throws: TranslationError.self) { try PauseContainer.spec(hostname: "", sysctls: ["net/../x": "1"]) }
    }

    private static func container() -> ContainerSpec {
        var spec = ContainerSpec()
        spec.newNamespaces = network | pid | ipc | uts | mount | cgroup
        var memory = MountSpec(), other = MountSpec()
        (memory.destination, memory.type, memory.flags, memory.data) = ("/dev/shm", "tmpfs", 14, "size=1")
        (other.destination, other.type) = ("/dev", "tmpfs")
        spec.mounts = [other, memory]
        return spec
    }

    @Test(arguments: [false, true]) func theOthersShareWithIt(_ sharesProcesses: Bool) throws {
        var spec = Self.container()
        let shared = PauseContainer.sharedNamespaces(withProcesses: sharesProcesses)
        try spec.share(shared, sharedMemory: "/run/pod/shm")
        #expect(spec.joinedNamespaces == Self.network | Self.ipc | Self.uts | (sharesProcesses ? Self.pid : 0))
        #expect(spec.newNamespaces == Self.mount | Self.cgroup | (sharesProcesses ? 0 : Self.pid))
        #expect(spec.mounts[0] == Self.container().mounts[0])
        #expect(spec.mounts[1].type == "bind" && spec.mounts[1].source == "/run/pod/shm" && spec.mounts[1].data == "")
        #expect(spec.mounts[1].flags == 14 | 4096)
    }

    @Test func withoutPauseContainerDevShmStaysTheContainersOwn() throws {
        var spec = Self.container()
        try spec.share(PauseContainer.sharedNamespaces(withProcesses: false), sharedMemory: nil)
        #expect(spec.mounts == Self.container().mounts)
    }

    @Test(arguments: ["hostname", "domainname", "sysctl"]) func whatIsThePodsIsRefused(_ field: String) {
        var spec = Self.container()
        switch field {
        case "hostname": spec.hostname = "a"
        case "domainname": spec.domainname = "a"
        default: spec.sysctls = ["kernel.msgmax": "1"]
        }
        let alone = spec
        let shared = PauseContainer.sharedNamespaces(withProcesses: false)
        #expect(throws: TranslationError.self) { try spec.share(shared, sharedMemory: nil) }
        // What is not of the network is the container's own business when that is all it shares.
        spec = alone
        #expect(throws: Never.self) { try spec.share(Self.network, sharedMemory: nil) }
    }

    @Test func aParameterOfTheNetworkIsTheNetworks() {
        var spec = Self.container()
        spec.sysctls = ["net.core.somaxconn": "1"]
        #expect(throws: TranslationError.self) { try spec.share(Self.network, sharedMemory: nil) }
    }
}
