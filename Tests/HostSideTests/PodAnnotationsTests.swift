import Configuration
import OCI
import Pod
import Testing

@testable import HostSide

@Suite struct PodAnnotationsTests {
    private static let host = MachineSize(memoryMiB: 8192, vCPUs: 4)
    private static let openEuler = "com.github.containers.virtcontainers."

    private static func parse(
        _ annotations: [String: String], openEuler: Bool = true, isUnified: Bool = false
    ) throws -> PodAnnotations {
        try PodAnnotations(
            annotations, AnnotationRules(allowed: [], isOpenEuler: openEuler), host: host, isUnified: isUnified,
            parseSize: { text in
                guard let unit = text.last, let number = Int64(text.dropLast()) else { return nil }
                return unit == "G" ? number << 30 : unit == "m" ? number << 20 : nil
            },
            device: { path in
                guard path == "/dev/sda" else { throw HostSideError("it is no block device") }
                return (8, 0)
            })
    }

    @Test func nothingIsAskedByNothing() throws {
        #expect(try Self.parse(["other": "1"]) == PodAnnotations())
        let standard = MachineSize(memoryMiB: 256, vCPUs: 1)
        #expect(PodAnnotations().machine(standard) == standard)
    }

    @Test(
        arguments: [
            (["bulkhead.memory": "512m"], 512, nil), (["bulkhead.vcpus": "4"], nil, 4),
            ([openEuler + "sandbox_mem": "4G"], 4096, nil), ([openEuler + "sandbox_cpu": "0.5"], nil, 1),
            ([openEuler + "sandbox_cpu": "2.5"], nil, 3),
            ([openEuler + "sandbox_mem": "4G", "bulkhead.memory": "512m"], 4096, nil),
        ] as [([String: String], Int?, Int?)])
    func aMachineIsAsLarge(_ annotations: [String: String], _ memory: Int?, _ processors: Int?) throws {
        let read = try Self.parse(annotations)
        #expect(read.memoryMiB == memory)
        #expect(read.vCPUs == processors)
        // Never smaller than what is configured.
        #expect(read.machine(MachineSize(memoryMiB: 6000, vCPUs: 4)) == MachineSize(memoryMiB: 6000, vCPUs: 4))
    }

    @Test func openEulersCountOnlyWhereTheyAreToCount() throws {
        let annotations = [
            Self.openEuler + "sandbox_mem": "nonsense", Self.openEuler + "sandbox_cpu": "64",
            Self.openEuler + "blkio_cgroup": "{",
        ]
        #expect(try Self.parse(annotations, openEuler: false) == PodAnnotations())
    }

    @Test(arguments: [
        (["bulkhead.memory": "16G"], "annotations.bulkhead.memory is a size from 1m to 8192m"),
        (["bulkhead.memory": "-1m"], "annotations.bulkhead.memory is a size"),
        (["bulkhead.vcpus": "5"], "annotations.bulkhead.vcpus is a number from 1 to 4, not 5"),
        ([openEuler + "sandbox_mem": "512m"], "sandbox_mem is a size from 1024m to 8192m, such as 4g, not 512m"),
        ([openEuler + "sandbox_cpu": "0.4"], "sandbox_cpu is a number from 0.5 to 4, not 0.4"),
        ([openEuler + "sandbox_cpu": "nan"], "sandbox_cpu is a number"),
        ([openEuler + "blkio_cgroup": "[]"], "blkio_cgroup: it is no JSON object"),
        ([openEuler + "blkio_cgroup": #"{"a":1}"#], "it has one member, the array blkiocgroup"),
        ([openEuler + "blkio_cgroup": #"{"blkiocgroup":[{}]}"#], "an entry without limits"),
        (
            [openEuler + "blkio_cgroup": #"{"blkiocgroup":[{"path":"/dev/x","limits":[]}]}"#],
            "/dev/x: it is no block device"
        ),
        (
            [openEuler + "blkio_cgroup": #"{"blkiocgroup":[{"limits":[{"type":"throttle_read_bps","value":1}]}]}"#],
            "throttle_read_bps without a path"
        ),
        (
            [openEuler + "blkio_cgroup": #"{"blkiocgroup":[{"limits":[{"type":"blkio_weight","value":5}]}]}"#],
            "blkio_weight is 10 to 1000, not 5"
        ),
        (
            [openEuler + "blkio_cgroup": #"{"blkiocgroup":[{"limits":[{"type":"speed","value":5}]}]}"#],
            "speed is none of blkio_leaf_weight, blkio_weight"
        ),
        (
            [openEuler + "blkio_cgroup": #"{"blkiocgroup":[{"limits":[{"type":"blkio_weight","value":-5}]}]}"#],
            "a limit is"
        ),
    ])
    func whatCannotBeMetIsRefused(_ annotations: [String: String], _ words: String) {
        let error = #expect(throws: HostSideError.self) { try Self.parse(annotations) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }

    @Test func disksAreLimitedAsOpenEulerHasIt() throws {
        let text = """
            {"blkiocgroup":[{"path":"/dev/sda","limits":[{"type":"throttle_read_bps","value":400},
            {"type":"throttle_write_iops","value":7}]},{"limits":[{"type":"blkio_weight","value":78}]}]}
            """
        let asked = try Self.parse([Self.openEuler + "blkio_cgroup": text])
        var resources = RuntimeSpec.Resources()
        resources.blockIO = .init()
        resources.blockIO?.throttleReadBpsDevice = [.init(major: 8, minor: 16, rate: 1)]
        let limits = try #require(asked.limits(resources, isSandbox: false)?.blockIO)
        #expect(
            limits.throttleReadBpsDevice
                == [.init(major: 8, minor: 16, rate: 1), .init(major: 8, minor: 0, rate: 400)])
        #expect(limits.throttleWriteIOPSDevice == [.init(major: 8, minor: 0, rate: 7)])
        #expect(limits.weight == 78)
        let leaf = #"{"blkiocgroup":[{"limits":[{"type":"blkio_leaf_weight","value":78}]}]}"#
        #expect(try Self.parse([Self.openEuler + "blkio_cgroup": leaf]).blockIO?.leafWeight == 78)
        #expect(throws: HostSideError.self) {
            try Self.parse([Self.openEuler + "blkio_cgroup": leaf], isUnified: true)
        }
    }

    @Test func aSandboxsSharesAreNotItsMachines() {
        var resources = RuntimeSpec.Resources()
        resources.cpu = .init()
        resources.cpu?.shares = 2
        resources.cpu?.quota = 50_000
        #expect(PodAnnotations().limits(resources, isSandbox: false) == resources)
        let limits = PodAnnotations().limits(resources, isSandbox: true)
        #expect(limits?.cpu?.shares == nil && limits?.cpu?.quota == 50_000)
    }

    @Test func criSaysWhatAPodsContainersWillAskFor() throws {
        let prefix = "io.kubernetes.cri.sandbox-"
        let asked = try Self.parse([
            prefix + "memory": "1073741824", prefix + "cpu-quota": "250000", prefix + "cpu-period": "100000",
        ])
        #expect(asked.containers == ResourceRequest(memoryBytes: 1 << 30, nanoCPUs: 2_500_000_000))
        #expect(try Self.parse([prefix + "memory": "-1", prefix + "cpu-quota": "much"]) == PodAnnotations())
    }

    @Test func aPodMayHaveWhatIsAllowed() throws {
        let rules = AnnotationRules(allowed: ["bulkhead.writable"], isOpenEuler: false)
        try rules.check(["bulkhead.writable": "true", "io.kubernetes.cri.container-type": "sandbox"])
        let error = #expect(throws: HostSideError.self) { try rules.check(["bulkhead.memory": "1g"]) }
        #expect(error?.description.contains("annotations.bulkhead.memory is not for pods here") == true)
    }

    /// The configuration's module knows nothing of specifications.
    @Test func theConfigurationNamesThoseThatThereAre() {
        #expect(Set(Configuration.annotationNames) == Set(SpecAnnotation.allCases.map(\.rawValue)))
    }
}
