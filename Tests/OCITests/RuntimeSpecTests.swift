import SeededRandom
import JSON
import Testing

@testable import OCI

@Suite struct RuntimeSpecTests {
    @Test(arguments: Sample.all) func roundTripKeepsEveryField(_ sample: Sample) throws {
        let original = try JSONParser.parse(sample.bytes)
        let again = try JSONParser.parse(try RuntimeSpec.decode(json: sample.bytes).encode())
        #expect(again.sorted == original.sorted)
    }

    @Test func valuesOfDocker() throws {
        let spec = try RuntimeSpec.decode(json: Sample.docker.bytes)
        #expect(spec.process?.args == ["nginx", "-g", "daemon off;"])
        #expect(spec.process?.apparmorProfile == "docker-default")
        #expect(spec.hooks?.prestart?.first?.args?.first == "libnetwork-setkey")
        #expect(spec.linux?.namespaces?.map(\.type) == [.mount, .network, .uts, .pid, .ipc])
        #expect(spec.linux?.seccomp?.syscalls?.last?.args?.first?.op == .maskedEqual)
        #expect(spec.linux?.resources?.devices?.count == 8)
        #expect(spec.mounts?[4].type == "cgroup")
    }

    @Test func valuesOfPodman() throws {
        let spec = try RuntimeSpec.decode(json: Sample.podman.bytes)
        #expect(spec.process?.rlimits?.last?.hard == .max)
        #expect(spec.process?.user.umask == 0o22)
        #expect(spec.linux?.namespaces?[1].path == "/run/netns/netns-8f2d")
        #expect(spec.linux?.seccomp?.defaultErrnoRet == 38)
    }

    @Test func nullIsAbsent() throws {
        let json = """
            {"ociVersion":"1.0.2","root":null,"mounts":null,"hooks":{"prestart":null},"annotations":null,"vm":null,
            "process":{"user":{"uid":0,"gid":0,"additionalGids":null},"cwd":"/","args":null,"env":null,"rlimits":null},
            "linux":{"namespaces":null,"resources":{"devices":null,"pids":{"limit":null}},"seccomp":null}}
            """
        let spec = try RuntimeSpec.decode(json: json.bytes)
        #expect(spec.mounts == nil && spec.root == nil && spec.vm == nil)
        #expect(spec.process?.args == nil && spec.process?.user.additionalGids == nil)
        #expect(
            spec.linux?.resources
                == {
                    var none = RuntimeSpec.Resources(); none.pids = .init(limit: nil); return none
                }())
    }

    struct BadRow: Sendable, CustomTestStringConvertible {
        var json: String, path: String
        var testDescription: String { json }
    }

    @Test(arguments: [
        BadRow(json: "[]", path: ""),
        BadRow(json: "{}", path: ""),
        BadRow(json: #"{"ociVersion":1}"#, path: "ociVersion"),
        BadRow(json: #"{"ociVersion":"1.0.0","mounts":[{"destination":"/a"},{}]}"#, path: "mounts[1]"),
        BadRow(
            json: #"{"ociVersion":"1.0.0","linux":{"namespaces":[{"type":"net"}]}}"#, path: "linux.namespaces[0].type"),
        BadRow(
            json: #"{"ociVersion":"1.0.0","linux":{"resources":{"pids":{"limit":1e30}}}}"#,
            path: "linux.resources.pids.limit"),
        BadRow(
            json: #"{"ociVersion":"1.0.0","linux":{"resources":{"cpu":{"shares":-1}}}}"#,
            path: "linux.resources.cpu.shares"),
        BadRow(json: #"{"ociVersion":"1.0.0","annotations":{"a.b":1}}"#, path: "annotations.\"a.b\""),
        BadRow(
            json: #"{"ociVersion":"1.0.0","process":{"user":{"uid":4294967296,"gid":0},"cwd":"/"}}"#,
            path: "process.user.uid"),
        BadRow(
            json: #"{"ociVersion":"1.0.0","linux":{"seccomp":{"defaultAction":"SCMP_ACT_DANCE"}}}"#,
            path: "linux.seccomp.defaultAction"),
    ]) func mismatchNamesThePath(_ row: BadRow) throws {
        let error = #expect(throws: SpecError.self) { try RuntimeSpec.decode(json: row.json.bytes) }
        guard case .mismatch("config.json", let path, let problem) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path == row.path)
        #expect(!problem.isEmpty)
    }

    @Test func problemsAreReadable() throws {
        let json = #"{"ociVersion":"1.0.0","linux":{"resources":{"cpu":{"shares":-1}}}}"#
        let error = #expect(throws: SpecError.self) { try RuntimeSpec.decode(json: json.bytes) }
        #expect(
            error?.description
                == "config.json: linux.resources.cpu.shares: expected an integer from 0 to \(UInt64.max), found -1")
        let missing = #expect(throws: SpecError.self) { try RuntimeSpec.decode(json: "{}".bytes) }
        #expect(missing?.description == "config.json: document: ociVersion is missing")
    }

    @Test func refusesLargeDocumentsUnread() {
        let json = [UInt8](repeating: 0x20, count: RuntimeSpec.maximumBytes + 1)
        #expect(throws: SpecError.tooLarge(document: "config.json", bytes: json.count, limit: RuntimeSpec.maximumBytes))
        {
            try RuntimeSpec.decode(json: json)
        }
    }

    @Test func partsAreDocumentsOfTheirOwn() throws {
        let process = try RuntimeSpec.Process.decode(json: #"{"user":{"uid":1,"gid":2},"cwd":"/","args":["id"]}"#.bytes)
        #expect(process.user == RuntimeSpec.User(uid: 1, gid: 2) && process.args == ["id"])
        let resources = try RuntimeSpec.Resources.decode(json: #"{"memory":{"limit":-1}}"#.bytes)
        #expect(resources.memory?.limit == -1)
    }

    @Test func stateHasTheNamesOfTheSpecification() throws {
        var state = State(ociVersion: "1.2.0", id: "a", status: .created, bundle: "/b")
        state.pid = 42
        let json = #"{"bundle":"/b","id":"a","ociVersion":"1.2.0","pid":42,"status":"created"}"#
        #expect(try state.encode() == json.bytes)
        #expect(try State.decode(json: json.bytes) == state)
    }

    @Test(arguments: Sample.all) func everyTruncationIsAnError(_ sample: Sample) throws {
        let bytes = try JSONParser.parse(sample.bytes).serialized.bytes
        for length in 0..<bytes.count {
            #expect(throws: SpecError.self) { try RuntimeSpec.decode(json: Array(bytes[..<length])) }
        }
    }

    @Test(arguments: Sample.all) func changedBytesNeverTrap(_ sample: Sample) throws {
        let bytes = try JSONParser.parse(sample.bytes).serialized.bytes
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<1000 { examine(Mutation.ofBytes(bytes, using: &generator)) }
    }

    @Test(arguments: Sample.all) func changedValuesNeverTrap(_ sample: Sample) throws {
        let value = try JSONParser.parse(sample.bytes)
        var generator = SeededGenerator(seed: 2)
        for round in 0..<600 {
            examine(Mutation.ofValue(value, rarity: round % 2 == 0 ? 40 : 300, using: &generator).serialized.bytes)
        }
    }

    /// Whatever decodes must encode and decode to the same again, and be reviewed without an error.
    private func examine(_ json: [UInt8]) {
        _ = try? SpecReview.review(json: json)  // Fails where the bytes are no JSON; only traps count here.
        guard let spec = try? RuntimeSpec.decode(json: json) else { return }
        for mount in spec.mounts ?? [] { _ = try? MountOptions.parse(mount.options ?? []) }
        #expect(throws: Never.self) {
            #expect(try RuntimeSpec.decode(json: spec.encode()) == spec)
            _ = try SpecReview.review(spec)
        }
    }
}
