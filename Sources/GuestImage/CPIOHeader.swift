/// The 110 bytes of text before each name in a newc archive: a magic number and 13 fields of 8 hexadecimal digits.
/// Times, owner and the device that held the file are always zero here.
struct CPIOHeader: Equatable {
    static let magic = Array("070701".utf8)
    static let trailer = "TRAILER!!!"
    static let alignment = 4
    static let encodedBytes = 110
    static let fieldCount = 13
    static let typeMask: UInt32 = 0o170000

    var inode: UInt32 = 0
    var mode: UInt32 = 0
    var links: UInt32 = 1
    var dataBytes: UInt32 = 0
    var deviceMajor: UInt32 = 0
    var deviceMinor: UInt32 = 0

    /// The trailer's header.
    init() {}

    init(_ entry: CPIOArchive.Entry, inode: UInt32) {
        self.inode = inode
        mode = entry.content.typeBits | UInt32(entry.permissions)
        // A file with two links and more is taken for a hard link to an earlier one of that inode number.
        links = entry.content == .directory ? 2 : 1
        dataBytes = UInt32(entry.content.data.count)
        if case .characterDevice(let major, let minor) = entry.content {
            deviceMajor = major
            deviceMinor = minor
        }
    }

    init(fields: [UInt32]) {
        precondition(fields.count == Self.fieldCount, "\(fields.count) fields")
        (inode, mode, links, dataBytes) = (fields[0], fields[1], fields[4], fields[6])
        (deviceMajor, deviceMinor) = (fields[9], fields[10])
    }

    func encoded(nameBytes: UInt32) -> [UInt8] {
        let fields = [inode, mode, 0, 0, links, 0, dataBytes, 0, 0, deviceMajor, deviceMinor, nameBytes, 0]
        return fields.reduce(into: Self.magic) { $0 += Self.hexadecimal($1) }
    }

    /// `nil` if one of the 8 bytes is not a hexadecimal digit.
    static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(digit - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(digit - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return value
    }

    private static func hexadecimal(_ value: UInt32) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return stride(from: 28, through: 0, by: -4).map { digits[Int(value >> UInt32($0) & 0xf)] }
    }
}

extension CPIOArchive.Content {
    static let directoryBits: UInt32 = 0o040000
    static let fileBits: UInt32 = 0o100000
    static let symbolicLinkBits: UInt32 = 0o120000
    static let characterDeviceBits: UInt32 = 0o020000

    var typeBits: UInt32 {
        switch self {
        case .directory: Self.directoryBits
        case .file: Self.fileBits
        case .symbolicLink: Self.symbolicLinkBits
        case .characterDevice: Self.characterDeviceBits
        }
    }
}
