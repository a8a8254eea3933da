/// Writes ustar archives byte by byte, hostile ones too.
struct TarEntry {
    enum Kind: UInt8 {
        case file = 48, hardLink, symlink, characterDevice, blockDevice, directory, fifo
    }
    var name: String
    var kind = Kind.file
    var link = ""
    var content: [UInt8] = []
    var mode = 0o644
    var major = 0
    var minor = 0
    var uid = 0

    static func file(_ name: String, _ text: String = "", mode: Int = 0o644, uid: Int = 0) -> TarEntry {
        TarEntry(name: name, content: Array(text.utf8), mode: mode, uid: uid)
    }
    static func directory(_ name: String) -> TarEntry { TarEntry(name: name, kind: .directory, mode: 0o755) }
    static func symlink(_ name: String, to link: String) -> TarEntry {
        TarEntry(name: name, kind: .symlink, link: link, mode: 0o777)
    }
    static func hardLink(_ name: String, to link: String) -> TarEntry {
        TarEntry(name: name, kind: .hardLink, link: link)
    }

    var header: [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int, _ width: Int) {
            for (index, byte) in text.utf8.prefix(width).enumerated() { block[offset + index] = byte }
        }
        func octal(_ number: Int, at offset: Int, _ width: Int) {
            let digits = String(number, radix: 8)
            put(String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits, at: offset, width - 1)
        }
        // Long names: up to 155 bytes before a slash go into the prefix.
        if name.utf8.count > 100, let slash = name.dropLast(1).prefix(155).lastIndex(of: "/") {
            put(String(name[..<slash]), at: 345, 155)
            put(String(name[name.index(after: slash)...]), at: 0, 100)
        } else {
            put(name, at: 0, 100)
        }
        octal(mode, at: 100, 8)
        octal(uid, at: 108, 8)
        octal(uid, at: 116, 8)
        octal(kind == .file ? content.count : 0, at: 124, 12)
        octal(1_000_000_000, at: 136, 12)
        block[156] = kind.rawValue
        put(link, at: 157, 100)
        put("ustar", at: 257, 6)
        put("00", at: 263, 2)
        octal(major, at: 329, 8)
        octal(minor, at: 337, 8)
        for offset in 148..<156 { block[offset] = 32 }
        octal(block.reduce(0) { $0 + Int($1) }, at: 148, 8)
        return block
    }

    static func archive(_ entries: [TarEntry]) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            bytes += entry.header
            guard entry.kind == .file else { continue }
            bytes += entry.content
            bytes += [UInt8](repeating: 0, count: (512 - entry.content.count % 512) % 512)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }
}
