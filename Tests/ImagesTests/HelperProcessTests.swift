import Confinement
import EventLoop
import Linux
import Support
import Testing

@testable import Images

/// What a confined helper sees, by other programs of the host in its place.
@Suite struct HelperProcessTests {
    init() { BackgroundLoop.start() }

    @EventLoop private func run(
        _ tool: String, _ arguments: [String], _ workplace: Workplace, capabilities: UInt64 = 0,
        line: (@EventLoop (String) -> Void)? = nil
    ) async throws(ImageError) -> HelperProcess.Result {
        let helper = HelperProcess(
            tool: tool, arguments: arguments, environment: ["A=b"],
            access: .confined(
                [.init(workplace.layout, at: "/layout"), .init(workplace.unpack, at: "/unpack", .writable)],
                capabilities: capabilities),
            subject: "test", limit: .seconds(20), limits: ImageLimits(), workplace: workplace,
            launcher: Fixture.launcher, progress: line)
        return try await helper.run()
    }

    @EventLoop @Test func itSeesItsFilesAndNothingElse() async throws {
        let fixture = try Fixture()
        try await fixture.store.withWorkplace { workplace throws(ImageError) in
            var names: [String] = [], environment: [String] = []
            _ = try await run("find", ["/", "-maxdepth", "1"], workplace) { names.append($0) }
            #expect(names.sorted() == ["/", "/layout", "/lib", "/lib64", "/unpack", "/usr"])
            _ = try await run("env", [], workplace) { environment.append($0) }
            #expect(environment == ["A=b"])
        }
    }

    @EventLoop
    @Test(arguments: [
        ("touch", ["/unpack/x"], true), ("touch", ["/layout/x"], false), ("touch", ["/x"], false),
        ("touch", ["/usr/x"], false), ("chown", ["1:1", "/unpack"], false),
        ("mknod", ["/unpack/d", "c", "1", "3"], false),
    ]) func itWritesWhereItMay(_ tool: String, _ arguments: [String], _ isAllowed: Bool) async throws {
        let fixture = try Fixture()
        let result = try await fixture.store.withWorkplace { workplace throws(ImageError) in
            try await run(tool, arguments, workplace)
        }
        #expect((result.exit == .exited(code: 0)) == isAllowed, "\(result.errors)")
        try fixture.expectNoHarm()
    }

    @EventLoop @Test func umocisCapabilitiesAreEnoughForOwnersAndNodes() async throws {
        let fixture = try Fixture()
        try await fixture.store.withWorkplace { workplace throws(ImageError) in
            for (tool, arguments) in [("mknod", ["/unpack/d", "c", "1", "3"]), ("chown", ["7:7", "/unpack/d"])] {
                let result = try await run(tool, arguments, workplace, capabilities: Umoci.capabilities)
                #expect(result.exit == .exited(code: 0), "\(result.errors)")
            }
            // The node is there and cannot be opened: the mount is `nodev`.
            let read = try await run("head", ["-c", "1", "/unpack/d"], workplace, capabilities: Umoci.capabilities)
            #expect(read.errors.last?.contains("Permission denied") == true)
        }
    }

    /// A crash's reason comes before a long stack, and the cause of an error at the end of a long line.
    @EventLoop @Test func whatItSaidIsWhole() async throws {
        let fixture = try Fixture()
        let long = "/" + String(repeating: "ü", count: 700)
        let result = try await fixture.store.withWorkplace { workplace throws(ImageError) in
            try await run("ls", (0..<100).map { "/missing\($0)" } + [long], workplace)
        }
        #expect(result.errors.count == 101)
        #expect(result.errors.first?.contains("/missing0'") == true)
        #expect(result.errors.last.map { $0.count > 700 && $0.hasSuffix(": File name too long") } == true)
    }

    @EventLoop @Test func aMissingToolIsTold() async throws {
        let fixture = try Fixture()
        let error = await imageError { () throws(ImageError) in
            try await fixture.store.withWorkplace { workplace throws(ImageError) in
                _ = try await run("no-such-tool", [], workplace)
            }
        }
        #expect(error == .toolMissing("no-such-tool"))
        try fixture.expectNoHarm()
    }
}
