import ContainerdAPI
import Protobuf
import SeededRandom
import Testing

@Suite struct ShimFlagsTests {
    @Test func whatContainerdSaysIsUnderstood() throws {
        let flags = try ShimFlags([
            "-namespace", "k8s.io", "-address", "/run/c.sock", "-publish-binary", "/usr/bin/containerd", "-id", "x",
            "-debug",
            "start",
        ])
        #expect(flags.namespace == "k8s.io" && flags.address == "/run/c.sock" && flags.id == "x")
        #expect(flags.publishBinary == "/usr/bin/containerd" && flags.debug && flags.action == .start)
        let other = try ShimFlags(["--id=y", "--bundle=/b", "-socket=/s", "-debug=false", "delete"])
        #expect(other.id == "y" && other.bundle == "/b" && other.socket == "/s" && !other.debug)
        #expect(other.action == .delete && other.publishBinary == "containerd")
    }

    @Test func whatIsAskedOfItAlone() throws {
        #expect(try ShimFlags(["-v"]).isVersion)
        #expect(try ShimFlags(["--info"]).isInfo)
        #expect(try ShimFlags([]).action == nil)
    }

    @Test(arguments: [
        (["-id"], "needs an argument: -id"), (["-nosuch", "x"], "not defined: -nosuch"),
        (["stop"], "unknown action stop"),
        (["-debug=perhaps"], "invalid boolean"), (["-"], "unknown action -"),
    ])
    func anythingElseIsRefused(_ arguments: [String], _ words: String) {
        #expect {
            try ShimFlags(arguments)
        } throws: {
            "\($0)".contains(words)
        }
    }
}

@Suite struct StreamTargetTests {
    @Test(
        arguments: [
            ("", .nowhere), ("/run/fifo/x-stdout", .path("/run/fifo/x-stdout")), ("fifo:///f", .path("/f")),
            ("file:///var/log/x%20y.log", .file("/var/log/x y.log")),
            (
                "binary:///bin/log?id=1&flag&empty=&a%3Db=c+d",
                .program(
                    path: "/bin/log", arguments: ["id", "1", "flag", "empty", "a=b", "c d"])
            ),
            ("binary:///bin/log", .program(path: "/bin/log", arguments: [])),
        ] as [(String, StreamTarget)])
    func aNameLeadsSomewhere(_ uri: String, _ target: StreamTarget) throws {
        #expect(try StreamTarget(uri) == target)
    }

    @Test(arguments: [
        "relative", "binary://relative", "http://host/", "file:///%", "file:///%2", "file:///%zz", "file:///%ff", "://",
        "binary:///x?a=%00%", "file:///%00", "npipe:////./pipe/x",
    ])
    func anythingElseIsRefused(_ uri: String) {
        #expect(throws: StreamTargetError.self) { try StreamTarget(uri) }
    }

    @Test func noiseIsReadOrRefused() {
        var random = SeededGenerator(seed: 7)
        let alphabet = Array("ab/:%&=?#+.f\u{0}ü".unicodeScalars)
        for _ in 0..<20_000 {
            let length = Int.random(in: 0..<24, using: &random)
            var text = ["binary://", "file://", "fifo://", ""].randomElement(using: &random) ?? ""
            for _ in 0..<length {
                text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            switch try? StreamTarget(text) {
            case .path(let path), .file(let path), .program(let path, _): #expect(path.hasPrefix("/"))
            case .nowhere, nil: break
            }
        }
    }
}

@Suite struct RuntimeOptionsTests {
    private static func any(_ typeURL: String, _ value: [UInt8] = []) throws -> [UInt8] {
        try Protobuf.encode(ProtobufAny(typeURL: typeURL, value: value))
    }

    @Test func aConfigurationIsNamed() throws {
        var options = RuntimeOptions()
        options.configPath = "/etc/b.yaml"
        let bytes = try Protobuf.encode(options)
        for prefix in ["", "type.googleapis.com/", "types.containerd.io/"] {
            #expect(try RuntimeOptions.read(Self.any(prefix + RuntimeOptions.name, bytes)) == options)
        }
    }

    @Test func othersSayNothing() throws {
        #expect(try RuntimeOptions.read([]) == RuntimeOptions())
        #expect(try RuntimeOptions.read(Array("{\"id\":\"x\"}".utf8)) == RuntimeOptions())
        #expect(try RuntimeOptions.read(Self.any("containerd.runc.v1.Options", [8, 1])) == RuntimeOptions())
    }

    @Test func theUnknownIsRefused() throws {
        #expect(throws: RuntimeOptionsError.self) { try RuntimeOptions.read(Self.any("x.y.Options", [1])) }
        #expect(throws: RuntimeOptionsError.self) { try RuntimeOptions.read([0xFF, 0xFF]) }
        #expect(throws: RuntimeOptionsError.self) { try RuntimeOptions.read(Self.any(RuntimeOptions.name, [0x0A])) }
    }
}

@Suite struct ShimAddressTests {
    @Test(arguments: [nil, "", "2", "x", "-1"]) func anOldContainerdReadsTheAddress(_ version: String?) {
        #expect(ShimAddress.answer("unix:///s", maximumVersion: version) == "unix:///s")
    }

    @Test(arguments: ["3", "4"]) func aNewOneReadsParameters(_ version: String) {
        let answer = ShimAddress.answer("unix:///s", maximumVersion: version)
        #expect(answer == #"{"version":3,"address":"unix:///s","protocol":"ttrpc"}"#)
    }

    @Test func anAddressIsASocket() {
        #expect(ShimAddress.socket(ShimAddress.address(ofSocket: "/run/s")) == "/run/s")
        #expect(ShimAddress.socket("/run/s") == nil && ShimAddress.socket("unix://x") == nil)
    }
}
