import OCI
import Testing

@testable import OCIRuntimeCLI

@Suite struct NotifyAddressTests {
    @Test(
        arguments: [
            ("/run/systemd/notify", .path("/run/systemd/notify")), ("/", .path("/")), ("/@x", .path("/@x")),
            ("@name", .abstract("name")), ("@@", .abstract("@")), ("@/org/x y", .abstract("/org/x y")),
        ] as [(String, NotifyAddress)])
    func pathsAndNamesAreOnes(_ text: String, _ address: NotifyAddress) throws {
        #expect(try NotifyAddress(text) == address)
        #expect(try NotifyAddress(text).description == text)
    }

    @Test(arguments: ["run/notify", "./notify", "@", "vsock:2:1234", "vsock-stream:2:1", " /run/notify", "notify"])
    func nothingElseIsOne(_ text: String) throws {
        let error = try #require(throws: RuntimeError.self) { try NotifyAddress(text) }
        #expect(error.description.hasPrefix("NOTIFY_SOCKET=\(text): neither an absolute path nor"))
    }

    /// As Podman has it, and nothing that an image or a volume of another place may say.
    @Test(
        arguments: [
            ("/run/notify/notify.sock", "/run/notify", "/b/notify", ["bind"], "/b/notify/notify.sock"),
            ("/run/notify/notify.sock", "/run/notify", "b/notify", ["bind"], nil),
            ("/run/notify/notify.sock", "/run/notify", "tmpfs", [], nil),
            ("/run/notify/notify.sock", "/run", "/b", ["bind"], nil),
            ("/run/notify/../notify/notify.sock", "/run/notify", "/b/notify", ["bind"], nil),
            ("/run/systemd/notify", "/run/systemd", "/run/systemd", ["bind"], nil),
        ] as [(String, String, String, [String], String?)])
    func aSocketThatIsBoundIsFound(
        _ variable: String, _ place: String, _ source: String, _ options: [String], _ path: String?
    ) {
        var spec = RuntimeSpec(ociVersion: "1.0.2")
        spec.process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
        spec.process?.env = ["A=b", "NOTIFY_SOCKET=\(variable)"]
        var mount = RuntimeSpec.Mount(destination: place)
        (mount.source, mount.options, mount.type) = (source, options, options.isEmpty ? "tmpfs" : "bind")
        spec.mounts = [mount]
        #expect(spec.boundNotifySocket == path)
        spec.process?.env = ["A=b"]
        #expect(spec.boundNotifySocket == nil)
    }
}
