/// What extended headers say instead of the block's fields. Nil is what none has said.
/// Source: POSIX.1-2017, pax, "pax Extended Header"; the records that start with SCHILY are star's.
struct PaxRecords: Equatable, Sendable {
    var path: [UInt8]?
    var link: [UInt8]?
    var sizeBytes: Int64?
    var uid: UInt32?
    var gid: UInt32?
    var modified: TarEntry.Time?
    private(set) var attributes: [TarEntry.Attribute] = []
    private var attributeBytes = 0

    static let attributePrefix = Array("SCHILY.xattr.".utf8)

    /// Adds what the records in `body` say; a later one counts. An empty value takes back what was said before.
    /// - Parameter areGlobal: attributes do not count then: a megabyte of them for each entry would cost its writer nothing.
    /// - Throws: the reason, with the offset of the record in `body`.
    mutating func add(_ body: [UInt8], areGlobal: Bool = false) throws(TarError) {
        var start = 0
        while start < body.count {
            do {
                let record = try Self.record(of: body, at: start)
                let key = Array(record.key)
                if !areGlobal || !key.starts(with: Self.attributePrefix) { try set(key, Array(record.value)) }
                start = record.end
            } catch {
                throw TarError(error, at: UInt64(start))
            }
        }
    }

    private struct Record {
        var key: ArraySlice<UInt8>
        var value: ArraySlice<UInt8>
        var end: Int
    }

    /// "length key=value" and a line feed, all of which the length counts.
    private static func record(of body: [UInt8], at start: Int) throws(TarError.Reason) -> Record {
        let digits = body[start...].prefix(8).prefix { $0 != UInt8(ascii: " ") }
        guard let length = decimal(digits), let end = Int(exactly: length).map({ start + $0 }),
            end <= body.count, end > digits.endIndex + 1, body[end - 1] == UInt8(ascii: "\n")
        else { throw .badRecord }
        let text = body[(digits.endIndex + 1)..<(end - 1)]
        guard body[digits.endIndex] == UInt8(ascii: " "), let equals = text.firstIndex(of: UInt8(ascii: "=")),
            equals > text.startIndex
        else { throw .badRecord }
        return Record(key: text[..<equals], value: text[(equals + 1)...], end: end)
    }

    private mutating func set(_ key: [UInt8], _ value: [UInt8]) throws(TarError.Reason) {
        if key.starts(with: Self.attributePrefix) {
            return try setAttribute(Self.decodedName(key.dropFirst(Self.attributePrefix.count)), value)
        }
        switch String(decoding: key, as: UTF8.self) {
        case "path":
            guard value.count <= TarLimits.pathBytes else { throw .tooLong("a path", limit: TarLimits.pathBytes) }
            path = value.isEmpty ? nil : value
        case "linkpath":
            guard value.count <= TarLimits.linkBytes else {
                throw .tooLong("a link's target", limit: TarLimits.linkBytes)
            }
            link = value.isEmpty ? nil : value
        case "size": sizeBytes = value.isEmpty ? nil : try Self.number(value, "a size", most: Int64.max)
        case "uid": uid = value.isEmpty ? nil : UInt32(try Self.number(value, "a uid", most: TarLimits.id))
        case "gid": gid = value.isEmpty ? nil : UInt32(try Self.number(value, "a gid", most: TarLimits.id))
        case "mtime": modified = value.isEmpty ? nil : try Self.time(value)
        case let other where other.hasPrefix("GNU.sparse."): throw .unsupported("a sparse file")
        default: break  // POSIX: what is not known is ignored.
        }
    }

    /// An attribute may well be empty.
    private mutating func setAttribute(_ name: [UInt8], _ value: [UInt8]) throws(TarError.Reason) {
        if let index = attributes.firstIndex(where: { $0.name == name }) {
            attributeBytes -= attributes.remove(at: index).value.count + name.count
        }
        guard attributes.count < TarLimits.attributes else {
            throw .tooLong("the list of extended attributes", limit: TarLimits.attributes)
        }
        attributes.append(TarEntry.Attribute(name: name, value: value))
        attributeBytes += name.count + value.count
        guard attributeBytes <= TarLimits.extendedHeaderBytes else {
            throw .tooLong("the list of extended attributes", limit: TarLimits.extendedHeaderBytes)
        }
    }

    /// These, and what they do not say from the global ones.
    func over(_ others: PaxRecords) -> PaxRecords {
        var all = self
        all.path = path ?? others.path
        all.link = link ?? others.link
        all.sizeBytes = sizeBytes ?? others.sizeBytes
        all.uid = uid ?? others.uid
        all.gid = gid ?? others.gid
        all.modified = modified ?? others.modified
        return all
    }

    private static func number(_ text: [UInt8], _ what: String, most: Int64) throws(TarError.Reason) -> Int64 {
        guard let number = decimal(text[...]), number <= most else { throw .badNumber(what) }
        return number
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard !digits.isEmpty else { return nil }
        var number: Int64 = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, more) = tens.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            guard !overflow, !more else { return nil }
            number = sum
        }
        return number
    }

    /// Seconds with a fraction, of which nine digits count. `-1.25` is a quarter of a second before -1.
    private static func time(_ text: [UInt8]) throws(TarError.Reason) -> TarEntry.Time {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative ? text.dropFirst() : text[...]
        let whole = digits.prefix { $0 != UInt8(ascii: ".") }
        let fraction = digits.dropFirst(whole.count + 1)
        let padded = fraction.prefix(9) + [UInt8](repeating: UInt8(ascii: "0"), count: max(0, 9 - fraction.count))
        guard let seconds = decimal(whole), let nanoseconds = decimal(padded[...]).flatMap({ UInt32(exactly: $0) })
        else { throw .badNumber("a time") }
        if !isNegative { return TarEntry.Time(seconds: seconds, nanoseconds: nanoseconds) }
        guard nanoseconds > 0 else { return TarEntry.Time(seconds: -seconds) }
        return TarEntry.Time(seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds)
    }

    /// GNU tar writes `%3D` and `%25` in an attribute's name for `=`, which would end the key, and `%`.
    static func encodedName(_ name: [UInt8]) -> [UInt8] {
        name.flatMap { (byte: UInt8) -> [UInt8] in
            switch byte {
            case UInt8(ascii: "="): Array("%3D".utf8)
            case UInt8(ascii: "%"): Array("%25".utf8)
            default: [byte]
            }
        }
    }

    private static func decodedName(_ name: ArraySlice<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        var rest = name
        while let byte = rest.first {
            if rest.starts(with: Array("%3D".utf8)) {
                decoded.append(UInt8(ascii: "="))
                rest = rest.dropFirst(3)
            } else if rest.starts(with: Array("%25".utf8)) {
                decoded.append(UInt8(ascii: "%"))
                rest = rest.dropFirst(3)
            } else {
                decoded.append(byte)
                rest = rest.dropFirst()
            }
        }
        return decoded
    }
}
