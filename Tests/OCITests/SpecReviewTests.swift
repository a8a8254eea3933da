import Testing

@testable import OCI

@Suite struct SpecReviewTests {
    @Test func whatDockerAlwaysSetsIsDone() throws {
        let review = try SpecReview.review(json: Sample.docker.bytes, hostSide: true)
        #expect(review.refusals == [])
        #expect(review.notes.map(\.path) == ["process.apparmorProfile", "mounts[4].type", "linux.namespaces"])
        #expect(review.notes.first?.value == "docker-default")
    }

    @Test func whatContainerdAlwaysSetsIsDone() throws {
        let review = try SpecReview.review(json: Sample.containerd.bytes, hostSide: true)
        #expect(review.refusals == [])
        #expect(
            review.notes.map(\.path) == [
                "process.apparmorProfile", "process.selinuxLabel", "mounts[5].type",
                "linux.resources.hugepageLimits[0].pageSize", "linux.resources.hugepageLimits[1].pageSize",
                "linux.mountLabel",
            ])
    }

    @Test func whatPodmanAlwaysSetsIsDone() throws {
        let review = try SpecReview.review(json: Sample.podman.bytes, hostSide: true)
        #expect(review.refusals == [])
        #expect(review.notes.map(\.path) == ["process.apparmorProfile", "mounts[8].type"])
    }

    @Test func whatCRIOAlwaysSetsIsDone() throws {
        let review = try SpecReview.review(json: Sample.crio.bytes, hostSide: true)
        #expect(review.refusals == [])
        #expect(
            review.notes.map(\.path) == [
                "process.selinuxLabel", "mounts[5].type", "linux.resources.hugepageLimits[0].pageSize",
                "linux.mountLabel",
            ])
    }

    /// Where nobody does what is to be done on the host.
    @Test func whatIsTheHostsIsRefusedWithoutAFrontEnd() throws {
        #expect(
            try SpecReview.review(json: Sample.docker.bytes).refusals.map(\.path) == [
                "hooks.prestart", "linux.cgroupsPath",
            ])
        let paths = try SpecReview.review(json: Sample.containerd.bytes).refusals.map(\.path)
        #expect(paths == ["linux.cgroupsPath"] + [1, 2, 4].map { "linux.namespaces[\($0)].path" })
    }

    static let isolated = ["pid", "network", "ipc", "uts", "mount", "cgroup"]

    static func spec(namespaces: [String] = isolated, linux: String = "", root: String = "") -> String {
        let list = namespaces.map { "{\"type\":\"\($0)\"}" }.joined(separator: ",")
        return "{\"ociVersion\":\"1.0.2\",\"linux\":{\"namespaces\":[\(list)]\(linux)}\(root)}"
    }

    private static func mount(_ type: String, _ options: String...) -> String {
        let list = options.map { "\"\($0)\"" }.joined(separator: ",")
        return spec(root: #","mounts":[{"destination":"/a","type":"\#(type)","options":[\#(list)]}]"#)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var json: String, refused: [String] = [], noted: [String] = []
        var testDescription: String { json }
    }

    @Test(arguments: [
        Row(json: spec()),
        Row(
            json: spec(namespaces: ["pid", "network", "ipc", "uts", "mount"]),
            noted: ["linux.namespaces = no cgroup namespace"]),
        Row(
            json: spec(namespaces: ["network", "ipc", "uts", "mount", "cgroup"]),
            refused: ["linux.namespaces = no pid namespace"]),
        Row(
            json: spec(namespaces: ["cgroup"]),
            refused: ["pid", "network", "ipc", "uts", "mount"].map { "linux.namespaces = no \($0) namespace" }),
        Row(json: spec(namespaces: isolated + ["user", "time"]), refused: ["linux.namespaces[6].type = user"]),
        Row(json: spec(namespaces: isolated + ["pid"]), refused: ["linux.namespaces[6].type = pid"]),
        Row(json: spec(linux: #","resources":{"network":{"classID":0,"priorities":[]},"rdma":{}}"#)),
        Row(
            json: spec(linux: #","resources":{"network":{"classID":7}}"#),
            refused: ["linux.resources.network.classID = 7"]),
        Row(
            json: spec(linux: #","resources":{"hugepageLimits":[{"pageSize":"2MB","limit":0}]}"#),
            noted: ["linux.resources.hugepageLimits[0].pageSize = 2MB"]),
        Row(
            json: spec(linux: #","resources":{"hugepageLimits":[{"pageSize":"2MB","limit":1}]}"#),
            refused: ["linux.resources.hugepageLimits[0].limit = 1"],
            noted: ["linux.resources.hugepageLimits[0].pageSize = 2MB"]),
        Row(json: spec(linux: #","devices":[{"type":"c","major":1,"minor":3},{"type":"p"}]"#)),
        Row(
            json: spec(
                linux: #","devices":[{"type":"u","major":226,"minor":0},{"type":"b","major":1,"minor":3}]"#),
            refused: ["linux.devices[0] = u 226:0", "linux.devices[1] = b 1:3"]),
        // As of a privileged container.
        Row(
            json: spec(
                linux:
                    #","devices":[{"type":"b","major":7,"minor":0}],"resources":{"devices":[{"allow":true,"access":"rwm"}]}"#
            ),
            noted: ["linux.devices[0] = b 7:0"]),
        Row(
            json: spec(
                linux:
                    #","devices":[{"type":"b","major":7,"minor":0}],"resources":{"devices":[{"allow":true},{"allow":false,"type":"a"}]}"#
            ),
            refused: ["linux.devices[0] = b 7:0"]),
        Row(
            json: spec(linux: #","seccomp":{"defaultAction":"SCMP_ACT_LOG","flags":["SECCOMP_FILTER_FLAG_LOG"]}"#),
            noted: ["linux.seccomp.defaultAction = SCMP_ACT_LOG", "linux.seccomp.flags = [1]"]),
        Row(
            json: spec(linux: #","seccomp":{"flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#),
            refused: ["linux.seccomp.flags = [1]"]),
        Row(
            json: spec(linux: #","resources":{"memory":{"kernel":-1,"disableOOMKiller":true,"swappiness":0}}"#),
            refused: ["linux.resources.memory.disableOOMKiller = true"], noted: ["linux.resources.memory.kernel = -1"]),
        Row(
            json: spec(linux: #","resources":{"blockIO":{"weight":500}}"#),
            refused: ["linux.resources.blockIO.weight = 500"]),
        Row(json: spec(linux: #","timeOffsets":{"boottime":{"secs":0}}"#)),
        Row(
            json: spec(linux: #","timeOffsets":{"boottime":{"secs":5}}"#),
            refused: ["linux.timeOffsets.boottime.secs = 5"]),
        Row(json: spec(linux: #","personality":{"domain":"LINUX32"},"netDevices":{}"#)),
        Row(json: spec(linux: #","netDevices":{"eth0":{}}"#), refused: ["linux.netDevices = {1}"]),
        Row(json: spec(linux: #","intelRdt":{"closID":"x"}"#), noted: ["linux.intelRdt.closID = x"]),
        Row(
            json: spec(linux: #","seccomp":{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/s"}"#),
            refused: ["linux.seccomp.listenerPath = /s"]),
        Row(
            json: spec(linux: #","seccomp":{"syscalls":[{"action":"SCMP_ACT_NOTIFY"}]}"#),
            refused: ["linux.seccomp.syscalls[0].action = SCMP_ACT_NOTIFY"]),
        Row(json: spec(root: #","vm":{},"windows":{"layerFolders":[]}"#), refused: ["windows = {1}"]),
        Row(json: spec(root: #","hooks":{"poststop":[],"prestart":null}"#)),
        Row(json: spec(root: #","annotations":{"linux.uidMappings":"x","":"y"}"#)),
        Row(
            json: spec(
                root: #","mounts":[{"destination":"/a","options":["ro","idmap","context=\"u:o,c\"","size=1"]}]"#),
            refused: ["mounts[0].options[1] = idmap"], noted: ["mounts[0].options[2] = context=\"u:o,c\""]),
        // Copies are made into a tmpfs that is new.
        Row(json: mount("tmpfs", "size=1", "tmpcopyup")),
        Row(json: mount("proc", "notmpcopyup")),
        Row(json: mount("proc", "tmpcopyup"), refused: ["mounts[0].options[0] = tmpcopyup"]),
        Row(json: mount("bind", "tmpcopyup"), refused: ["mounts[0].options[0] = tmpcopyup"]),
        Row(json: mount("tmpfs", "tmpcopyup", "rbind"), refused: ["mounts[0].options[0] = tmpcopyup"]),
        Row(json: mount("tmpfs", "remount", "tmpcopyup"), refused: ["mounts[0].options[1] = tmpcopyup"]),
        Row(
            json: spec(root: #","mounts":[{"destination":"/a","options":["tmpcopyup"]}]"#),
            refused: ["mounts[0].options[0] = tmpcopyup"]),
        // A field that is not known is named, but its value may be a secret.
        Row(json: spec(root: #","extra":{"a":1},"Linux":null"#), noted: ["extra", "Linux"]),
        Row(json: spec(linux: #","memoryPolicy":{"mode":"x"}"#), noted: ["linux.memoryPolicy"]),
        // Names that look like paths are not taken for them.
        Row(
            json: spec(root: #","linux.netDevices":{"e":1},"mounts[]":1,"*":2,"hooks.prestart":[1]"#),
            noted: ["\"linux.netDevices\"", "\"mounts[]\"", "\"*\"", "\"hooks.prestart\""]),
        Row(
            json: #"{"ociVersion":"2.0.0","linux":null}"#,
            refused: ["ociVersion = 2.0.0"]
                + ["pid", "network", "ipc", "uts", "mount"].map { "linux.namespaces = no \($0) namespace" },
            noted: ["linux.namespaces = no cgroup namespace"]),
    ]) func findsWhatIsNotApplied(_ row: Row) throws {
        let review = try SpecReview.review(json: row.json.bytes)
        #expect(review.refusals.map { shown($0) } == row.refused)
        #expect(review.notes.map { shown($0) } == row.noted)
        for finding in review.refusals + review.notes { #expect(!finding.reason.isEmpty) }
    }

    private func shown(_ finding: SpecReview.Finding) -> String {
        finding.value.isEmpty ? finding.path : "\(finding.path) = \(finding.value)"
    }

    @Test(arguments: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
    func hooksOfTheHostAreRefusedByTheirKind(_ kind: String) throws {
        let json = Self.spec(root: #","hooks":{"\#(kind)":[{"path":"/h"}]}"#)
        let isGuests = kind == "startContainer"
        #expect(try SpecReview.review(json: json.bytes).refusals.map(\.path) == (isGuests ? [] : ["hooks.\(kind)"]))
        #expect(try SpecReview.review(json: json.bytes, hostSide: true).refusals == [])
    }

    @Test func aProcessThatJoinsIsReviewedToo() throws {
        var process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
        #expect(try SpecReview.review(process).refusals == [])
        process.commandLine = "dir"
        process.selinuxLabel = "l"
        #expect(try SpecReview.review(process).refusals.map(\.path) == ["process.commandLine"])
        #expect(try SpecReview.review(process).notes.map(\.path) == ["process.selinuxLabel"])
    }

    @Test func findingsAreLimitedAndCounted() throws {
        let count = SpecReview.maximumFindings + 10
        let unknown = (0..<count).map { "\"x\($0)\":1" }.joined(separator: ",")
        let review = try SpecReview.review(
            json: Self.spec(linux: ",\"netDevices\":{\"e\":{}}", root: "," + unknown).bytes)
        #expect(review.notes.count == SpecReview.maximumFindings)
        #expect(review.omitted == 10)
        #expect(review.refusals.count == 1)
    }

    @Test func valuesAreShortenedAndReadable() throws {
        let long = #"\u001b[31m\u202e"# + String(repeating: "x", count: 500)
        let json = Self.spec(linux: ",\"mountLabel\":\"\(long)\"")
        let value = try #require(SpecReview.review(json: json.bytes).notes.first?.value)
        #expect(value.hasPrefix("?[31m?xxx"))
        #expect(value.count == SpecPath.maximumShown + 1)
    }

    @Test func specificationsInMemoryAreReviewedAlike() throws {
        let spec = try RuntimeSpec.decode(json: Sample.podman.bytes)
        let review = try SpecReview.review(spec)
        #expect(review.refusals == (try SpecReview.review(json: Sample.podman.bytes)).refusals)
    }
}
