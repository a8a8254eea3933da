import SeededRandom
import JSON
import Testing

@testable import OCI

@Suite struct ImageDocumentTests {
    static let hex = String(repeating: "ab", count: 32)

    static let index = """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
        {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:\(hex)","size":610,
        "platform":{"architecture":"amd64","os":"linux"}},
        {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:\(hex)","size":610,
        "platform":{"architecture":"arm64","os":"linux","variant":"v8","os.version":"1","os.features":["x"]}},
        {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha512:\(hex)\(hex)","size":0,
        "annotations":{"vnd.docker.reference.type":"attestation-manifest"},"urls":["https://a"],"data":"e30=",
        "artifactType":"a/b"}],"annotations":{"a":"b"}}
        """
    static let manifest = """
        {"schemaVersion":2,"mediaType":"\(MediaType.dockerManifest)",
        "config":{"mediaType":"\(MediaType.dockerImageConfig)","size":1457,"digest":"sha256:\(hex)"},
        "layers":[{"mediaType":"\(MediaType.dockerLayerGzip)","size":2219949,"digest":"sha256:\(hex)"}]}
        """
    static let config = """
        {"created":"2023-05-11T01:00:00.123456789Z","author":"me","architecture":"arm64","variant":"v8","os":"linux",
        "os.version":"1","os.features":["x"],"config":{"User":"app:1000","ExposedPorts":{"80/tcp":{}},
        "Env":["PATH=/bin"],"Entrypoint":["/e"],"Cmd":["sh","-c"],"Volumes":{"/data":{}},"WorkingDir":"/w",
        "Labels":{"a":"b"},"StopSignal":"SIGQUIT","ArgsEscaped":true},
        "rootfs":{"type":"layers","diff_ids":["sha256:\(hex)"]},
        "history":[{"created":"2023-05-11T01:00:00Z","created_by":"ADD x","author":"a","comment":"c",
        "empty_layer":true}]}
        """

    private func keepsEveryField<Document: JSONDocument>(_ type: Document.Type, _ json: String) throws {
        let again = try JSONParser.parse(try type.decode(json: json.bytes).encode())
        #expect(again.sorted == (try JSONParser.parse(json.bytes)).sorted)
    }

    @Test func roundTripsKeepEveryField() throws {
        try keepsEveryField(Index.self, Self.index)
        try keepsEveryField(Manifest.self, Self.manifest)
        try keepsEveryField(ImageConfig.self, Self.config)
    }

    @Test func values() throws {
        let config = try ImageConfig.decode(json: Self.config.bytes)
        #expect(config.config?.exposedPorts?.keys.sorted() == ["80/tcp"])
        #expect(config.config?.entrypoint == ["/e"] && config.config?.stopSignal == "SIGQUIT")
        #expect(config.rootfs.diffIDs.map(\.hex) == [Self.hex])
        let index = try Index.decode(json: Self.index.bytes)
        #expect(index.manifests[1].platform?.variant == "v8")
        #expect(index.manifests[2].digest.algorithm == .sha512)
        #expect(try Manifest.decode(json: Self.manifest.bytes).layers.first?.size == 2_219_949)
    }

    @Test func nullIsAbsentAsDockerWritesIt() throws {
        let json = """
            {"architecture":"amd64","os":"linux","container_config":{"Cmd":null},"config":{"Entrypoint":null,
            "ExposedPorts":null,"Volumes":null,"OnBuild":null,"Labels":null},"rootfs":{"type":"layers","diff_ids":[]}}
            """
        let config = try ImageConfig.decode(json: json.bytes)
        #expect(config.config == ImageConfig.Execution())
    }

    @Test(arguments: [
        (#"{"schemaVersion":2,"config":{"mediaType":"a","digest":"sha256:00","size":1},"layers":[]}"#, "config.digest"),
        (manifest.replacing("1457", with: "-1"), "config.size"),
        (manifest.replacing("2219949", with: "9223372036854775808"), "layers[0].size"),
        (manifest.replacing("\"layers\"", with: "\"Layers\""), ""),
    ]) func mismatchNamesThePath(_ json: String, _ expected: String) {
        let error = #expect(throws: SpecError.self) { try Manifest.decode(json: json.bytes) }
        guard case .mismatch("image manifest", expected, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    static let badDigests: [(String, DigestError)] = [
        ("", .noAlgorithm),
        ("sha256", .noAlgorithm),
        (":\(hex)", .unknownAlgorithm("")),
        ("SHA256:\(hex)", .unknownAlgorithm("SHA256")),
        ("sha256:\(hex)0", .wrongLength(algorithm: .sha256, digits: 65)),
        ("sha512:\(hex)", .wrongLength(algorithm: .sha512, digits: 64)),
        ("sha256:\(hex.uppercased())", .notHexadecimal(algorithm: .sha256)),
        ("sha256:../\(hex.dropFirst(3))", .notHexadecimal(algorithm: .sha256)),
    ]

    @Test(arguments: badDigests) func noDigests(_ text: String, _ error: DigestError) {
        #expect(throws: error) { try Digest(text) }
        #expect(!error.description.isEmpty)
    }

    @Test func truncatedAndChangedDocumentsNeverTrap() throws {
        var generator = SeededGenerator(seed: 5)
        for json in [Self.index, Self.manifest, Self.config] {
            for length in 0..<json.utf8.count {
                #expect(throws: SpecError.self) { try Index.decode(json: Array(json.bytes[..<length])) }
            }
            let value = try JSONParser.parse(json.bytes)
            for _ in 0..<1000 {
                let changed = Mutation.ofValue(value, rarity: 30, using: &generator).serialized.bytes
                _ = try? Index.decode(json: changed)  // Most are errors; only traps count here.
                _ = try? Manifest.decode(json: changed)
                _ = try? ImageConfig.decode(json: changed)
            }
        }
    }
}
