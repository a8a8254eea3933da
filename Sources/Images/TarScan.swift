import Linux
import Tar

/// Finds small files in a tar archive by their headers, without unpacking anything. For hostile archives: what `Tar` does
/// not take ends the search, and the number of blocks is bounded.
enum TarScan {
    /// Blocks of headers that are looked at.
    static let maximumBlocks = 100_000
    private static let blockBytes = 512

    /// Calls `body` with each regular file that has one of these names (`./name` counts as `name`); without content if
    /// it has more than `limit` bytes. A name that occurs twice is visited twice.
    /// - Returns: false when it is no tar archive.
    static func visit(
        _ names: Set<String>, in file: borrowing OwnedFD, limit: Int, _ body: (String, [UInt8]?) -> Void
    ) throws(SystemCallError) -> Bool {
        var reader = TarReader()
        var offset: Int64 = 0
        var hasEntries = false
        for _ in 0..<maximumBlocks {
            let block = try file.read(upTo: blockBytes, at: offset)
            // The end is a block of zeros, or the end of the file where somebody saved those.
            guard block.count == blockBytes else { return hasEntries }
            reader.feed(block)
            offset += Int64(blockBytes)
            while true {
                let event: TarReader.Event?
                // What is wrong is for skopeo to say: here it is the end.
                do { event = try reader.next() } catch { return hasEntries }
                guard let event else { break }
                guard case .entry(let entry) = event else { continue }
                hasEntries = true
                let start = offset
                let (next, overflow) = offset.addingReportingOverflow(Int64(clamping: reader.skipContent()))
                let path = String(decoding: entry.path, as: UTF8.self)
                let name = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
                if entry.kind == .regular, names.contains(name) {
                    let isSmall = entry.sizeBytes <= Int64(limit)
                    body(name, isSmall ? try content(of: file, at: start, count: Int(entry.sizeBytes)) : nil)
                }
                guard !overflow else { return true }
                offset = next
            }
        }
        return true
    }

    /// Nil when the archive ends before.
    private static func content(
        of file: borrowing OwnedFD, at start: Int64, count: Int
    ) throws(SystemCallError) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let some = try file.read(upTo: min(count - bytes.count, 65536), at: start + Int64(bytes.count))
            if some.isEmpty { return nil }
            bytes += some
        }
        return bytes
    }
}
