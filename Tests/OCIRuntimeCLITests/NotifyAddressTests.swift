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
}
