import OCI
import SeededRandom
import Testing

@testable import Images

@Suite struct ImageSourceTests {
    @Test(arguments: [
        ("oci:/a/b", ImageSource(kind: .layout, path: "/a/b", selector: nil)),
        ("oci:a:latest", ImageSource(kind: .layout, path: "a", selector: "latest")),
        ("oci:a:example.org/b:1", ImageSource(kind: .layout, path: "a", selector: "example.org/b:1")),
        ("oci-archive:x.tar", ImageSource(kind: .ociArchive, path: "x.tar", selector: nil)),
        (
            "docker-archive:x:busybox",
            .init(kind: .dockerArchive, path: "x", selector: "docker.io/library/busybox:latest")
        ),
        ("x:y", ImageSource(kind: nil, path: "x:y", selector: nil)),
        ("-x", ImageSource(kind: nil, path: "-x", selector: nil)),
        ("oci:--help", ImageSource(kind: .layout, path: "--help", selector: nil)),
    ]) func sourcesAreRead(_ text: String, _ source: ImageSource) throws {
        #expect(try ImageSource(text) == source)
    }

    @Test(arguments: [
        "", "oci:", "oci::x", "oci:a:", "oci:a:b c", "oci:a:b\nc", "docker-archive:x:", "docker-archive:x:A B",
        "docker-archive:x:@0", "docker://busybox", "dir:/x", "containers-storage:x", "tarball:/x", "a\0b",
        "docker-archive:x:b@sha256:\(String(repeating: "a", count: 64))", String(repeating: "a", count: 8193),
    ]) func otherTextsAreRefused(_ text: String) {
        #expect(throws: ImageError.self) { try ImageSource(text) }
    }
}

@Suite struct ImageNamesTests {
    @Test(arguments: [
        ("busybox", "busybox:latest"), ("docker.io/library/busybox:1", "busybox:1"), ("team/app", "team/app:latest"),
        ("docker.io/library/a/b:1", "library/a/b:1"), ("localhost:5000/a:1", "localhost:5000/a:1"),
        ("quay.io/a/b", "quay.io/a/b:latest"),
    ]) func namesAreShownAsDockerDoes(_ text: String, _ shown: String) throws {
        let reference = try ImageReference(text)
        #expect(reference.familiarName == shown)
        #expect(try ImageReference(shown) == reference)
    }

    @Test(arguments: [
        ("localhost/a", true), ("localhost:5000/a", true), ("127.0.0.1:1/a", true), ("127.1.2.3/a", true),
        ("[::1]:5000/a", true), ("127.0.0.1.example.org/a", false), ("127.example.org/a", false), ("busybox", false),
        ("localhost.example.org/a", false), ("10.0.0.1:5000/a", false),
    ]) func onlyThisMachineIsTrustedWithoutTLS(_ text: String, _ isLoopback: Bool) throws {
        #expect(try ImageReference(text).isLoopback == isLoopback)
    }

    @Test func idsAreReadAfterNames() throws {
        let digits = String(repeating: "a", count: 64)
        #expect(ImageQuery.readings(of: "cafe") == [.name(try ImageReference("cafe")), .identifier("cafe")])
        #expect(ImageQuery.readings(of: "sha256:" + digits) == [.identifier(digits)])
        #expect(ImageQuery.readings(of: digits) == [.identifier(digits)])
        #expect(ImageQuery.readings(of: "sha256:abc") == [.identifier("abc")])
        #expect(ImageQuery.readings(of: "Busybox") == [])
        #expect(ImageQuery.readings(of: "") == [])
    }
}

@Suite struct StoreIndexTests {
    private static func digest(_ character: Character, _ last: Character? = nil) throws -> Digest {
        try Digest("sha256:" + String(repeating: character, count: 63) + String(last ?? character))
    }

    private func entry(_ character: Character, _ names: [String], id: Character? = nil) throws -> StoreIndex.Entry {
        StoreIndex.Entry(
            manifest: try Self.digest(character), manifestBytes: 5, id: try Self.digest(id ?? character, "0"),
            unpackedBytes: 7, names: names)
    }

    @Test func theIndexReadsBackAsItWas() throws {
        var index = StoreIndex()
        index.add(try entry("a", ["docker.io/library/a:1", "docker.io/library/a:2"]))
        index.add(try entry("b", []))
        #expect(StoreIndex(try Index.decode(json: index.document.encode())) == index)
    }

    @Test func aNameBelongsToOneImage() throws {
        var index = StoreIndex()
        index.add(try entry("a", ["x:1", "y:1"]))
        index.add(try entry("b", ["x:1"]))
        #expect(index.entries.map(\.names) == [["y:1"], ["x:1"]])
        index.add(try entry("b", ["x:1"]))
        #expect(index.entries.map(\.names) == [["y:1"], ["x:1"]])
    }

    @Test func namesIdsAndDigestsFindTheirImage() throws {
        var index = StoreIndex()
        index.add(try entry("a", ["docker.io/library/bbb:latest"]))
        index.add(try entry("b", ["quay.io/x:1"]))
        index.add(try entry("c", [], id: "b"))
        let byName = try index.entry(for: "bbb")
        #expect(byName.entry == index.entries[0] && byName.name == "docker.io/library/bbb:latest")
        #expect(try index.entry(for: "aa").entry == index.entries[0])
        #expect(try index.entry(for: "bbbb").entry == index.entries[1])  // One id, two manifests.
        let digest = try Self.digest("b").description
        #expect(try index.entry(for: "quay.io/x@" + digest).entry == index.entries[1])
        #expect(throws: ImageError.notFound("quay.io/y@" + digest)) { try index.entry(for: "quay.io/y@" + digest) }
        #expect(throws: ImageError.notFound("dd")) { try index.entry(for: "dd") }
        #expect(throws: ImageError.self) { try index.entry(for: "Not A Name") }
        index.add(try entry("d", [], id: "a"))
        index.add(
            StoreIndex.Entry(
                manifest: try Self.digest("e"), manifestBytes: 1, id: try Self.digest("a", "1"), unpackedBytes: 1,
                names: []))
        #expect(throws: ImageError.ambiguous("aaaa")) { try index.entry(for: "aaaa") }
    }

    @Test func entriesOfOthersAreLeftOut() throws {
        let json = """
            {"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"\(try Self.digest("a"))","size":1,\
            "annotations":{"org.opencontainers.image.ref.name":"x","dev.bulkhead.image.id":"nothing"}}]}
            """
        #expect(StoreIndex(try Index.decode(json: Array(json.utf8))).entries == [])
    }
}

@Suite struct HelperMessageTests {
    static func line(_ message: String) -> String { "time=\"2026-01-01T00:00:00Z\" level=fatal msg=\"\(message)\"" }

    /// What skopeo 1.9.3 says.
    @Test(arguments: [
        (
            "initializing source docker://localhost:1/x:latest: pinging container registry localhost:1: Get "
                + "\\\"https://localhost:1/v2/\\\": dial tcp 127.0.0.1:1: connect: connection refused",
            HelperMessage.Meaning.unreachable
        ),
        ("reading manifest 1 in localhost/app: manifest unknown", .unknownImage),
        ("reading manifest 1 in localhost/app: unauthorized: authentication required", .unauthorized),
        ("requested access to the resource is denied", .unauthorized),
        ("writing blob: storing blob to file: write /x: no space left on device", .noSpace),
    ]) func meaningsAreKnown(_ message: String, _ meaning: HelperMessage.Meaning) {
        let all: [HelperMessage.Meaning] = [.noSpace, .unknownImage, .unauthorized, .unreachable]
        #expect(HelperMessage.meaning(of: [Self.line(message)], among: all) == meaning)
    }

    /// The end of what umoci 0.4.7 says of a manifest with more layers than its configuration has.
    static let stack = [
        "goroutine 1 [running]:",
        "github.com/opencontainers/umoci/oci/layer.UnpackRootfs({0x7e8648, 0xc000098000}, {{0x2}, ...}, ...)",
        "\tgithub.com/opencontainers/umoci/oci/layer/unpack.go:236 +0x1556", "main.main()",
        "\tgithub.com/opencontainers/umoci/cmd/umoci/main.go:172 +0x32",
    ]

    struct Summary: Sendable, CustomTestStringConvertible {
        var lines: [String]
        var shown: String
        var testDescription: String { shown }

        init(_ lines: [String], _ shown: String) { (self.lines, self.shown) = (lines, shown) }
    }

    @Test(arguments: [
        Summary(["x", line(#"a \"b\" c"#), "  "], #"a "b" c"#),
        Summary([line(#"a\\b\n\tc \x1b[31m"#)], #"a\b  c \x1b[31m"#),
        // One that is cut, a message of one word, and a frame within other text or within a message.
        Summary([#"time="2026-01-01T00:00:00Z" level=fatal msg="reading config blob"#], "reading config blob"),
        Summary(["level=fatal msg=EOF"], "EOF"),
        Summary(["umoci: " + line("a") + " and more"], "umoci: a and more"),
        Summary([line(#"helper: time=\"2026\" level=error msg=\"no \\\"x\\\"\" end"#)], #"helper: no "x" end"#),
        Summary([#"level= msg="a" level=x"#], #"level= msg="a" level=x"#),
        Summary([#"level=fatal msg=""#], ""),
        Summary(["  plain "], "plain"),
        Summary([" ⨯ unpack: no"], "unpack: no"),
        Summary([], "it said nothing"),
        Summary(["  "], "it said nothing"),
        Summary(
            ["   • unpacking rootfs ...", "panic: index out of range [0]", ""] + stack, "panic: index out of range [0]"),
        Summary(["fatal error: out of memory"] + stack, "fatal error: out of memory"),
        Summary([" ⨯ no"] + stack, "no"),
        Summary(stack, "it crashed"),
        Summary(Array(stack.dropFirst(2)), "it crashed"),
        Summary([" ⨯ no"] + stack.dropFirst(), "no"),
        Summary(["no", "\t/usr/lib/go/src/runtime/proc.go:250"], "it crashed"),
        Summary(["open /x/main.go:12: no such file"], "open /x/main.go:12: no such file"),
        Summary([String(repeating: "x", count: 1000)], "…" + String(repeating: "x", count: 300)),
    ]) func theLastMessageIsShownWithoutItsFrame(_ row: Summary) {
        #expect(HelperMessage.summary(row.lines) == row.shown)
    }

    @Test(arguments: [
        ("for docker-archive:/source: bad", "for docker-archive:my file.tar: bad"),
        ("open /source/blobs/x: no", "open my file.tar/blobs/x: no"),
        ("/source", "my file.tar"),
        (
            "docker://quay.io/source/x /sources /source.d a/source",
            "docker://quay.io/source/x /sources /source.d a/source"
        ),
        ("open /scratch/oci173605165/blobs/sha256/x: no", "open blobs/sha256/x: no"),
        ("write /scratch/archive: no", "write archive: no"),
        (#"writing "/layout/blobs/x" to oci:/layout:image: no"#, #"writing "blobs/x" to the store: no"#),
        ("open /layout: no", "open the store: no"),
    ]) func pathsOfAHelpersRootAreThoseOfTheUser(_ message: String, _ shown: String) {
        #expect(HelperMessage.summary([message], Skopeo.innerPaths(source: "my file.tar")) == shown)
    }

    @Test func aFileOfAnImageHasItsPathThere() {
        let message = " ⨯ unpack entry: file/x: mkdir parent: mkdir /unpack/rootfs/file: not a directory"
        #expect(
            HelperMessage.summary([message], Umoci.innerPaths)
                == "unpack entry: file/x: mkdir parent: mkdir /file: not a directory")
        #expect(HelperMessage.summary(["open /unpack/rootfs: no"], Umoci.innerPaths) == "open /: no")
        // What the user's path is does not matter to what follows in the list.
        let paths = Skopeo.innerPaths(source: "/layout/source")
        #expect(HelperMessage.summary(["open /source: no"], paths) == "open /layout/source: no")
    }

    @Test func anyTextIsTakenApart() {
        var random = SeededGenerator(seed: 11)
        let parts = [
            "level=", "fatal", " msg=", "\"", "\\", "time=\"", "/source", "/scratch/", "x", " ", ".go:1", "\t",
        ]
        for _ in 0..<2000 {
            let count = Int.random(in: 0...12, using: &random)
            let text = (0..<count).map { _ in parts[Int.random(in: 0..<parts.count, using: &random)] }.joined()
            let shown = HelperMessage.summary([text], Skopeo.innerPaths(source: "s"))
            #expect(shown.count <= 301)
        }
    }

    @Test func argumentsEndBeforeTheValues() throws {
        let reference = try ImageReference("localhost:5000/a/b:1")
        #expect(
            Skopeo.pull(reference, to: "/s/layout", scratch: "/s/scratch", hasPolicy: true) == [
                "--tmpdir", "/s/scratch", "--policy", "/etc/containers/policy.json", "copy", "--dest-compress-format",
                "gzip", "--src-tls-verify=false", "--", "docker://localhost:5000/a/b:1", "oci:/s/layout:image",
            ])
        #expect(
            Skopeo.load(.layout, selector: "--help", hasPolicy: false).suffix(3)
                == ["--", "oci:/source:--help", "oci:/layout:image"])
        #expect(
            Skopeo.environment(from: ["HOME": "/root", "LD_PRELOAD": "/x", "no_proxy": "a"]).dropFirst()
                == ["HOME=/root", "no_proxy=a"])
    }
}
