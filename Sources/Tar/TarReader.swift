/// Reads an archive in pieces of any size, and keeps nothing of a file's content: at most a header, and an extended one.
/// For hostile archives: every number is checked, every length has a limit (`TarLimits`).
///
///     reader.feed(bytes)
///     while let event = try reader.next() { … }
///     // and once there are no more bytes:
///     try reader.finish()
public struct TarReader: Sendable {
    /// What comes next. Each entry is followed by its content, in pieces if it has any, and its end.
    public enum Event: Equatable, Sendable {
        case entry(TarEntry)
        case content(ArraySlice<UInt8>)
        case endOfEntry
        /// What follows in the archive is ignored.
        case endOfArchive
    }

    private enum State: Sendable {
        /// At a header, or after `zeros` blocks of zeros.
        case header(afterZeros: Bool)
        case extended(type: UInt8, start: UInt64, remaining: Int64, padding: Int64)
        case content(remaining: Int64, padding: Int64)
        case padding(remaining: Int64)
        case ended
        case failed(TarError)
    }
    private var state = State.header(afterZeros: false)
    /// Bytes that have been fed and not looked at, and what there is of a header.
    private var input: ArraySlice<UInt8> = []
    private var partial: [UInt8] = []
    /// Bytes that have been looked at: where `input` starts in the archive.
    private var offset: UInt64 = 0
    private var globals = PaxRecords()
    /// Of the entry that comes next; nil when no extended header says anything of it.
    private var records: PaxRecords?

    public init() {}

    /// Adds bytes of the archive. They are kept until `next` has used them, so it is to be called until it has no more.
    public mutating func feed(_ bytes: [UInt8]) {
        if input.isEmpty { input = bytes[...] } else { input += bytes }
    }

    /// What comes next; nil when that takes more bytes. After an error it throws the same one again.
    public mutating func next() throws(TarError) -> Event? {
        do {
            return try advance()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// To be called when there are no more bytes, and `next` has no more events.
    /// - Throws: `.truncated` if that is not the end of the archive: two blocks of zeros, or one and nothing else.
    public func finish() throws(TarError) {
        switch state {
        case .ended: return
        case .header(afterZeros: true) where partial.isEmpty && input.isEmpty: return
        case .failed(let error): throw error
        case .header(afterZeros: false) where offset == UInt64(partial.count):
            throw TarError(Self.noArchive(partial), at: 0)
        case .header, .extended, .content, .padding: throw TarError(.truncated, at: offset + UInt64(input.count))
        }
    }

    /// Leaves out the content that is to come, for those who can seek: what they feed next has to be what follows it.
    /// - Returns: how many bytes they have to leave out, of those that they have not fed.
    public mutating func skipContent() -> UInt64 {
        let skipped: UInt64
        switch state {
        case .content(let remaining, let padding):
            skipped = UInt64(remaining) + UInt64(padding)
            state = .content(remaining: 0, padding: 0)
        case .padding(let remaining):
            skipped = UInt64(remaining)
            state = .header(afterZeros: false)
        case .header, .extended, .ended, .failed: return 0
        }
        let fed = min(skipped, UInt64(input.count))
        input = input.dropFirst(Int(fed))
        offset += skipped
        return skipped - fed
    }

    private mutating func advance() throws(TarError) -> Event? {
        while true {
            switch state {
            case .failed(let error): throw error
            case .ended:
                _ = take(Int64.max)
                return nil
            case .header(let afterZeros):
                guard let block = takeBlock() else { return nil }
                if let event = try handle(block, afterZeros: afterZeros) { return event }
            case .extended(let type, let start, let remaining, let padding):
                let part = take(remaining)
                partial += part
                let rest = remaining - Int64(part.count)
                state = .extended(type: type, start: start, remaining: rest, padding: padding)
                guard rest == 0 else { return nil }
                try handleExtended(type, start: start)
                state = .padding(remaining: padding)
            case .content(remaining: 0, let padding):
                state = .padding(remaining: padding)
                return .endOfEntry
            case .content(let remaining, let padding):
                let part = take(remaining)
                guard !part.isEmpty else { return nil }
                state = .content(remaining: remaining - Int64(part.count), padding: padding)
                return .content(part)
            case .padding(let remaining):
                let rest = remaining - Int64(take(remaining).count)
                state = rest == 0 ? .header(afterZeros: false) : .padding(remaining: rest)
                guard rest == 0 else { return nil }
            }
        }
    }

    private mutating func take(_ count: Int64) -> ArraySlice<UInt8> {
        let part = input.prefix(Int(clamping: count))
        input = input.dropFirst(part.count)
        offset += UInt64(part.count)
        return part
    }

    private mutating func takeBlock() -> [UInt8]? {
        partial += take(Int64(TarHeaderBlock.bytes - partial.count))
        guard partial.count == TarHeaderBlock.bytes else { return nil }
        defer { partial = [] }
        return partial
    }

    private mutating func handle(_ block: [UInt8], afterZeros: Bool) throws(TarError) -> Event? {
        let start = offset - UInt64(block.count)
        do throws(TarError.Reason) {
            if TarHeaderBlock.isZero(block) {
                guard records == nil else { throw .nothingExtended }
                state = afterZeros ? .ended : .header(afterZeros: true)
                return afterZeros ? .endOfArchive : nil
            }
            guard !afterZeros else { throw .loneZeroBlock }
            return try handle(try TarHeaderBlock(block), start: start)
        } catch .checksum where start == 0 {
            throw TarError(Self.noArchive(block), at: 0)
        } catch {
            throw TarError(error, at: start)
        }
    }

    /// Why an archive that begins so is none.
    private static func noArchive(_ bytes: [UInt8]) -> TarError.Reason {
        if bytes.isEmpty { return .nothing }
        let magics: [(String, [UInt8])] = [
            ("gzip", [0x1F, 0x8B]), ("bzip2", Array("BZh".utf8)), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A]),
            ("zstd", [0x28, 0xB5, 0x2F, 0xFD]),
        ]
        return magics.first { bytes.starts(with: $0.1) }.map { .compressed($0.0) } ?? .checksum
    }

    private mutating func handle(_ header: TarHeaderBlock, start: UInt64) throws(TarError.Reason) -> Event? {
        switch header.type {
        case UInt8(ascii: "x"), UInt8(ascii: "g"):
            try expectExtended(header, limit: TarLimits.extendedHeaderBytes)
            return nil
        case UInt8(ascii: "L"), UInt8(ascii: "K"):
            // With a NUL, and room for what rounds it up.
            try expectExtended(header, limit: TarLimits.pathBytes + TarHeaderBlock.bytes)
            return nil
        case UInt8(ascii: "S"): throw .unsupported("a sparse file")
        case UInt8(ascii: "M"), UInt8(ascii: "V"), UInt8(ascii: "D"), UInt8(ascii: "N"):
            throw .unsupported("an entry of type \(Character(UnicodeScalar(header.type))), of GNU's own,")
        default:
            let entry = try self.entry(header)
            let padding = Self.padding(after: entry.sizeBytes)
            state = .content(remaining: entry.sizeBytes, padding: padding)
            return .entry(entry)
        }
    }

    private mutating func expectExtended(_ header: TarHeaderBlock, limit: Int) throws(TarError.Reason) {
        guard header.sizeBytes <= Int64(limit) else { throw .tooLong("an extended header", limit: limit) }
        if header.type != UInt8(ascii: "g") { records = records ?? PaxRecords() }
        state = .extended(
            type: header.type, start: offset, remaining: header.sizeBytes,
            padding: Self.padding(after: header.sizeBytes))
    }

    private mutating func handleExtended(_ type: UInt8, start: UInt64) throws(TarError) {
        let body = partial
        partial = []
        do {
            var said = records ?? PaxRecords()
            switch type {
            case UInt8(ascii: "g"): try globals.add(body, areGlobal: true)
            case UInt8(ascii: "x"):
                try said.add(body)
                records = said
            // A pax record counts more than GNU's header, as in GNU tar.
            case UInt8(ascii: "L"):
                said.path = said.path ?? Array(body.prefix { $0 != 0 })
                records = said
            default:
                said.link = said.link ?? Array(body.prefix { $0 != 0 })
                records = said
            }
        } catch {
            throw TarError(error.reason, at: start + error.offset)
        }
    }

    /// The entry that `header` and the records before it describe, which are used up.
    private mutating func entry(_ header: TarHeaderBlock) throws(TarError.Reason) -> TarEntry {
        let said = (records ?? PaxRecords()).over(globals)
        records = nil
        var entry = TarEntry(path: said.path ?? header.path, kind: .regular, mode: header.mode)
        switch header.type {
        case UInt8(ascii: "1"): entry.kind = .hardLink
        case UInt8(ascii: "2"): entry.kind = .symlink
        case UInt8(ascii: "3"): entry.kind = .characterDevice
        case UInt8(ascii: "4"): entry.kind = .blockDevice
        case UInt8(ascii: "5"): entry.kind = .directory
        case UInt8(ascii: "6"): entry.kind = .fifo
        // How directories were written once.
        case 0, UInt8(ascii: "0"): if entry.path.last == UInt8(ascii: "/") { entry.kind = .directory }
        // POSIX: a type that is not known is a regular file.
        default: break
        }
        entry.uid = said.uid ?? header.uid
        entry.gid = said.gid ?? header.gid
        entry.modified = said.modified ?? TarEntry.Time(seconds: header.modifiedSeconds)
        entry.attributes = said.attributes
        entry.major = header.major
        entry.minor = header.minor
        // Others may have a size, of which there is nothing in the archive.
        if entry.kind == .regular { entry.sizeBytes = said.sizeBytes ?? header.sizeBytes }
        if entry.kind == .hardLink || entry.kind == .symlink { entry.linkTarget = said.link ?? header.link }
        try entry.check()
        // So that no sum of offsets is too large.
        guard entry.sizeBytes <= Int64.max - Int64(TarHeaderBlock.bytes) else { throw .badNumber("a size") }
        return entry
    }

    /// Content is filled up to whole blocks.
    static func padding(after sizeBytes: Int64) -> Int64 {
        let over = sizeBytes % Int64(TarHeaderBlock.bytes)
        return over == 0 ? 0 : Int64(TarHeaderBlock.bytes) - over
    }
}
