import Linux
import OCI

@testable import Images

/// An image to be written in any of the forms, right or wrong.
struct TestImage {
    var layers: [[TarEntry]]
    var tag = "latest"
    /// What is written in place of the blob with the index in the list of config, manifest, layers.
    var replacedConfig: [UInt8]?
    var replacedManifest: [UInt8]?
    var replacedLayer: [UInt8]?
    var layerType = MediaType.layer
    /// How often the manifest has each layer, which the configuration has once.
    var repetitions = 1
    var command = "sh"
    /// JSON.
    var labels = "null"
    var architecture = "amd64"
    var system = "linux"

    /// As gzip, without making anything smaller.
    var compressesLayers = false

    init(_ layers: [TarEntry]...) { self.layers = layers }

    var tars: [[UInt8]] { layers.map(TarEntry.archive) }

    /// The layers as they are stored and transferred.
    var blobs: [[UInt8]] { compressesLayers ? tars.map(Self.gzip) : tars }

    /// RFC 1952 around stored blocks of RFC 1951.
    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        func littleEndian(_ number: UInt32, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * $0)) }
        }
        var packed: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
        for start in stride(from: 0, to: bytes.count, by: 65535) {
            let block = bytes[start..<min(start + 65535, bytes.count)]
            packed.append(block.endIndex == bytes.count ? 1 : 0)
            packed += littleEndian(UInt32(block.count), 2) + littleEndian(~UInt32(block.count), 2) + block
        }
        var sum = ~UInt32(0)
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
        }
        return packed + littleEndian(~sum, 4) + littleEndian(UInt32(bytes.count), 4)
    }

    static func digest(_ bytes: [UInt8]) -> String { "sha256:" + SHA256.hex(bytes) }

    var config: [UInt8] {
        let ids = tars.map { "\"\(Self.digest($0))\"" }.joined(separator: ",")
        return Array(
            """
            {"architecture":"\(architecture)","os":"\(system)","created":"2024-05-06T07:08:09Z",\
            "config":{"Cmd":["\(command)"],"Labels":\(labels)},\
            "rootfs":{"type":"layers","diff_ids":[\(ids)]}}
            """.utf8)
    }

    static func descriptor(_ type: String, _ bytes: [UInt8], _ more: String = "") -> String {
        "{\"mediaType\":\"\(type)\",\"digest\":\"\(digest(bytes))\",\"size\":\(bytes.count)\(more)}"
    }

    func manifest(layers blobs: [[UInt8]]) -> [UInt8] {
        let type = compressesLayers ? MediaType.layerGzip : layerType
        let layers = blobs.flatMap { repeatElement(Self.descriptor(type, $0), count: repetitions) }
            .joined(separator: ",")
        return Array(
            """
            {"schemaVersion":2,"mediaType":"\(MediaType.manifest)",\
            "config":\(Self.descriptor(MediaType.imageConfig, config)),"layers":[\(layers)]}
            """.utf8)
    }

    func index(_ manifest: [UInt8]) -> String {
        let annotation = ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"\(tag)\"}"
        return "{\"schemaVersion\":2,\"manifests\":[\(Self.descriptor(MediaType.manifest, manifest, annotation))]}"
    }

    /// The files of an OCI layout, by name. `compress` makes the blobs of the layers.
    func layoutFiles(compress: ([UInt8]) throws -> [UInt8] = { $0 }) throws -> [(String, [UInt8])] {
        let blobs = try tars.map(compress)
        let manifest = manifest(layers: blobs)
        func name(_ bytes: [UInt8]) -> String { "blobs/sha256/" + SHA256.hex(bytes) }
        var files: [(String, [UInt8])] = [
            ("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)), ("index.json", Array(index(manifest).utf8)),
            (name(manifest), replacedManifest ?? manifest), (name(config), replacedConfig ?? config),
        ]
        for blob in blobs { files.append((name(blob), replacedLayer ?? blob)) }
        return files
    }

    func writeLayout(to path: String, compress: ([UInt8]) throws -> [UInt8] = { $0 }) throws {
        try Files.makeDirectories(path + "/blobs/sha256")
        for (name, bytes) in try layoutFiles(compress: compress) { try Files.write(bytes, to: path + "/" + name) }
    }

    func ociArchive(with extra: [TarEntry] = []) throws -> [UInt8] {
        TarEntry.archive(extra + (try layoutFiles()).map { TarEntry(name: $0.0, content: $0.1) })
    }

    /// As `docker save` writes it.
    func dockerArchive(tags: [String]) -> [UInt8] { Self.dockerArchive([(self, tags)]) }

    /// As `docker save` writes several.
    static func dockerArchive(_ images: [(TestImage, tags: [String])]) -> [UInt8] {
        var list: [String] = []
        var entries: [TarEntry] = []
        for (number, (image, tags)) in images.enumerated() {
            let tags = tags.map { "\"\($0)\"" }.joined(separator: ",")
            let names = image.layers.indices.map { "\"\(number)-\($0).tar\"" }.joined(separator: ",")
            list.append("{\"Config\":\"\(number).json\",\"RepoTags\":[\(tags)],\"Layers\":[\(names)]}")
            entries.append(TarEntry(name: "\(number).json", content: image.replacedConfig ?? image.config))
            for (index, tar) in image.tars.enumerated() {
                entries.append(TarEntry(name: "\(number)-\(index).tar", content: image.replacedLayer ?? tar))
            }
        }
        return TarEntry.archive([.file("manifest.json", "[\(list.joined(separator: ","))]")] + entries)
    }
}
