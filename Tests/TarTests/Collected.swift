import Linux
import Tar

/// What a reader made of an archive, with the content in one piece.
struct Collected: Equatable {
    var entry: TarEntry
    var content: [UInt8] = []

    init(_ entry: TarEntry, _ text: String = "") {
        self.entry = entry
        content = Array(text.utf8)
    }

    /// Reads `bytes` in pieces of `size`.
    static func read(_ bytes: [UInt8], piecesOf size: Int = 4096) throws(TarError) -> [Collected] {
        var all: [Collected] = []
        try visit(bytes, piecesOf: size) { event in
            switch event {
            case .entry(let entry): all.append(Collected(entry))
            case .content(let part): all[all.count - 1].content += part
            case .endOfEntry, .endOfArchive: break
            }
        }
        return all
    }

    static func visit(_ bytes: [UInt8], piecesOf size: Int, _ body: (TarReader.Event) -> Void) throws(TarError) {
        var reader = TarReader()
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.feed(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
            while let event = try reader.next() { body(event) }
        }
        try reader.finish()
    }

    /// An archive of these.
    static func write(_ all: [Collected]) throws(TarError.Reason) -> [UInt8] {
        var bytes: [UInt8] = []
        for one in all {
            bytes += try TarWriter.header(of: one.entry)
            bytes += one.content + TarWriter.padding(after: one.entry.sizeBytes)
        }
        return bytes + TarWriter.end
    }
}

/// The archives in the folder Golden, made by its generate.py.
enum Golden {
    static let names = ["gnu-v7", "gnu-ustar", "gnu-gnu", "gnu-posix", "python-gnu", "python-pax"]

    static func read(_ name: String) throws -> [UInt8] {
        try Files.read((Files.parent(of: #filePath) ?? "") + "/Golden/\(name).tar")
    }
}
