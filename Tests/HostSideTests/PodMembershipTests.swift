import OCI
import Testing

@testable import HostSide

@Suite struct PodMembershipTests {
    private static func spec(_ annotations: [String: String], _ namespaces: [RuntimeSpec.Namespace] = []) -> RuntimeSpec
    {
        var spec = RuntimeSpec(ociVersion: "1.0.2")
        spec.annotations = annotations
        spec.linux = .init()
        spec.linux?.namespaces = namespaces
        return spec
    }

    @Test(
        arguments: [
            ([:], .own), (["io.kubernetes.cri.sandbox-id": "x"], .own),
            (["io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": "x"], .sandbox),
            (["io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "x"], .member(of: "x")),
            (
                ["io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.SandboxID": "y"],
                .member(of: "y")
            ),
            (["io.kubernetes.docker.type": "podsandbox"], .sandbox),
            (["io.kubernetes.docker.type": "container", "io.kubernetes.sandbox.id": "z"], .member(of: "z")),
        ] as [([String: String], PodMembership.Role)])
    func annotationsSayIt(_ annotations: [String: String], _ role: PodMembership.Role) throws {
        #expect(try PodMembership(Self.spec(annotations)).role == role)
    }

    @Test(arguments: [
        ["io.kubernetes.cri.container-type": "container"], ["io.kubernetes.cri.container-type": "podsandbox"],
        ["io.kubernetes.docker.type": "container", "io.kubernetes.sandbox.id": ""], ["io.kubernetes.docker.type": ""],
    ])
    func whatNamesNoPodIsRefused(_ annotations: [String: String]) {
        #expect(throws: HostSideError.self) { try PodMembership(Self.spec(annotations)) }
    }

    @Test(
        arguments: [
            ("/proc/12/ns/net", 12), ("/proc/self/ns/net", nil), ("/proc/0/ns/net", nil), ("/proc/-1/ns/net", nil),
            ("/proc/12/ns", nil), ("/proc/12/ns/net/x", nil), ("proc/12/ns/net", nil), ("/var/run/netns/12", nil),
            ("/proc/99999999999/ns/net", nil),
        ] as [(String, Int32?)])
    func aProcessIsReadFromAPath(_ path: String, _ process: Int32?) throws {
        #expect(PodMembership.process(ofPath: path) == process)
        let membership = try PodMembership(Self.spec([:], [.init(type: .pid), .init(type: .network, path: path)]))
        #expect(
            membership.joined == [
                .init(kind: .network, path: path, process: process, field: "linux.namespaces[1].path")
            ])
    }

    @Test func podsOfTwoRootsHaveTwoNames() {
        let id = String(repeating: "ab", count: 32)
        let name = PodName.of(id, in: "/run/a")
        #expect(name != PodName.of(id, in: "/run/b"))
        #expect(name.hasPrefix("abababababab-") && name.count == 29)
    }

    /// Under CRI-O a pod's author may have annotated what containerd would.
    @Test func onlyOneEngineHasMadeAPod() {
        var spec = RuntimeSpec(ociVersion: "1.0.2")
        spec.annotations = [
            "io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.SandboxID": "own",
            "io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "another",
        ]
        let error = #expect(throws: HostSideError.self) { try PodMembership(spec) }
        #expect(error?.description.contains("only one engine can have made it") == true)
    }
}
