import AgentAPI
import OCI
import Testing

@testable import SpecTranslation

/// What a container sees of its machine, as `run` asks for it.
@Suite struct DefaultSpecMachineTests {
    private static func container(
        _ change: (inout DefaultSpec.Overrides) -> Void
    ) throws(TranslationError) -> (spec: RuntimeSpec, container: ContainerSpec) {
        let made = try DefaultSpecTests.made(DefaultSpecTests.image(), change)
        return (made.spec, try translated(made.spec))
    }

    @Test func nothingIsAskedForByDefault() throws {
        let (spec, container) = try Self.container { _ in }
        #expect(spec.annotations == nil && spec.linux?.devices == nil)
        #expect(container.initProgram.isEmpty && !container.hasGuestDevices)
        #expect(container.process.user.additionalGroupNames == [])
        #expect(container.process.oomScoreAdjust == nil && container.resources.files == [:])
        #expect(DefaultSpec.sharedMemoryBytes(spec.mounts ?? []) == 64 << 20)
    }

    @Test func aPrivilegedContainerHasAllOfItsMachine() throws {
        let (_, container) = try Self.container {
            $0.isPrivileged = true
            // As in Docker.
            $0.droppedCapabilities = ["ALL"]
        }
        let all: UInt64 = (1 << 41) - 1
        #expect(container.process.capabilities.bounding == all)
        #expect(container.process.capabilities.effective == all)
        #expect(container.process.capabilities.permitted == all)
        #expect(container.maskedPaths == [] && container.readonlyPaths == [])
        #expect(container.seccomp == nil)
        #expect(container.hasGuestDevices)
        let access = DeviceRule.makeNode | DeviceRule.read | DeviceRule.write
        #expect(
            container.resources.deviceRules == [
                DeviceRule(allow: true, kind: "a", major: nil, minor: nil, access: access)
            ])
        for (destination, flags) in [("/sys", 14), ("/sys/fs/cgroup", 14), ("/proc", 14)] as [(String, UInt64)] {
            let mount = try #require(container.mounts.first { $0.destination == destination })
            #expect(mount.flags == flags, "\(destination): nosuid, nodev, noexec and no more")
        }
    }

    @Test func anotherUserOfAPrivilegedContainerHasTheBoundingSetOnly() throws {
        let (_, container) = try Self.container {
            $0.isPrivileged = true
            $0.user = "1000"
        }
        #expect(container.process.capabilities.bounding == (1 << 41) - 1)
        #expect(container.process.capabilities.effective == 0)
    }

    @Test(arguments: ["/dev/fuse", "/dev/net/tun", "/dev/kmsg", "/dev/null"])
    func aDeviceIsMadeAndAllowed(_ path: String) throws {
        let device = try #require(SpecTable.devices.first { $0.path == path })
        let (_, container) = try Self.container {
            $0.devices = [DefaultSpec.Device(device, at: "/dev/sub/x", access: "rw")]
        }
        let node = try #require(container.devices.first)
        #expect((node.path, node.kind, node.mode) == ("/dev/sub/x", "c", device.mode))
        #expect((Int64(node.major), Int64(node.minor)) == (device.major, device.minor))
        let rule = try #require(container.resources.deviceRules.last)
        #expect(rule.allow && rule.access == DeviceRule.read | DeviceRule.write)
        #expect(rule.major == UInt32(device.major) && rule.minor == UInt32(device.minor))
        #expect(!container.hasGuestDevices)
    }

    @Test func everyDeviceOfTheTableIsAccepted() throws {
        let (_, container) = try Self.container {
            $0.devices = SpecTable.devices.map { DefaultSpec.Device($0, at: $0.path, access: "rwm") }
        }
        #expect(container.devices.map(\.path) == SpecTable.devices.map(\.path))
    }

    @Test func sharedMemoryHasTheSizeThatIsAskedFor() throws {
        let (spec, container) = try Self.container { $0.sharedMemoryBytes = 5 << 20 }
        #expect(DefaultSpec.sharedMemoryBytes(spec.mounts ?? []) == 5 << 20)
        let mount = try #require(container.mounts.first { $0.destination == "/dev/shm" })
        #expect(mount.data == "mode=1777,size=5242880" && mount.flags == 14)
        let other = try Self.container { $0.tmpfs = [.init(destination: "/dev/shm", options: ["size=1m"])] }.spec
        #expect(DefaultSpec.sharedMemoryBytes(other.mounts ?? []) == nil)
    }

    @Test func limitsAreTranslated() throws {
        let (_, container) = try Self.container {
            ($0.memoryBytes, $0.memorySwapBytes, $0.processors) = (64 << 20, 64 << 20, "0-2,4")
            $0.oomScoreAdjust = -500
        }
        #expect(
            container.resources.files == [
                "memory.max": "67108864", "memory.swap.max": "0", "cpuset.cpus": "0-2,4",
            ])
        #expect(container.process.oomScoreAdjust == -500)
        #expect(try Self.container { $0.memorySwapBytes = -1 }.container.resources.files == ["memory.swap.max": "max"])
    }

    @Test func anInitAndGroupsAreAskedForByAnnotations() throws {
        let (spec, container) = try Self.container {
            $0.hasInit = true
            $0.groups = ["audio", "77", "a.b-c_d$"]
        }
        #expect(spec.annotations == ["bulkhead.init": "true", "bulkhead.groups": "audio,77,a.b-c_d$"])
        #expect(container.initProgram == "/pause/pause")
        #expect(container.process.user.additionalGroupNames == ["audio", "77", "a.b-c_d$"])
        #expect(DefaultSpec.groups(spec.annotations) == ["audio", "77", "a.b-c_d$"])
    }

    @Test(arguments: ["", "a,b", "a:b", "a b", "a\nb", "a\0", String(repeating: "g", count: 257)])
    func whatIsNoGroupIsRefused(_ name: String) {
        let error = #expect(throws: TranslationError.self) { _ = try Self.container { $0.groups = ["audio", name] } }
        #expect(error?.description.hasPrefix("--group-add = ") == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        Rejection("annotations.bulkhead.init") { $0.annotations = ["bulkhead.init": "yes"] },
        Rejection("annotations.bulkhead.init") { $0.annotations = ["bulkhead.init": ""] },
        Rejection("annotations.bulkhead.guest-devices") { $0.annotations = ["bulkhead.guest-devices": "1"] },
        Rejection("annotations.bulkhead.groups") { $0.annotations = ["bulkhead.groups": "a,,b"] },
        Rejection("annotations.bulkhead.groups") { $0.annotations = ["bulkhead.groups": ","] },
        Rejection("annotations.bulkhead.groups") { $0.annotations = ["bulkhead.groups": "a b"] },
        Rejection("annotations.bulkhead.groups") {
            $0.annotations = ["bulkhead.groups": String(repeating: "1,", count: 65536) + "1"]
        },
    ]) func anAnnotationOfOursThatMeansNothingIsRefused(_ rejection: Rejection) {
        #expect(rejection.rejectedField == rejection.field)
    }

    @Test func otherAnnotationsAskForNothing() throws {
        var spec = acceptableSpec()
        spec.annotations = [
            "io.example": "true", "bulkhead.init": "false", "bulkhead.guest-devices": "false", "bulkhead.groups": "",
        ]
        var plain = acceptableSpec()
        plain.annotations = nil
        #expect(try translated(spec) == translated(plain))
    }
}
