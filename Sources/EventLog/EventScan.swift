import Linux

/// The events of one file, a block at a time. Lines that are none are skipped and counted.
struct EventScan {
    static let newline = UInt8(ascii: "\n")
    static let blockBytes = 64 << 10

    let file: EventFile
    private(set) var skippedLines = 0
    /// Up to where the file was taken.
    private var offset: Int64
    /// A line that is longer than a block has begun before `offset`.
    private var isInsideLongLine = false

    init(_ file: EventFile, from offset: Int64 = 0) {
        self.file = file
        self.offset = offset
    }

    /// The events of the next whole lines, perhaps none; nil when there is no whole line now.
    mutating func next() throws(SystemCallError) -> [Event]? {
        let block = try file.fd.read(upTo: Self.blockBytes, at: offset)
        if block.isEmpty {
            // Somebody has emptied the file, as `truncate` does: what comes now begins at its start.
            guard try file.fd.status().sizeBytes < offset else { return nil }
            offset = 0
            isInsideLongLine = false
            return []
        }
        guard let end = block.lastIndex(of: Self.newline) else {
            guard block.count == Self.blockBytes else { return nil }
            isInsideLongLine = true
            offset += Int64(block.count)
            return []
        }
        var events: [Event] = []
        for line in block[..<end].split(separator: Self.newline, omittingEmptySubsequences: false) {
            if let event = isInsideLongLine ? nil : Event(json: line) {
                events.append(event)
            } else {
                skippedLines += 1
            }
            isInsideLongLine = false
        }
        offset += Int64(end) + 1
        return events
    }

    /// What the file ends with when nothing more will be added: a line whose writer was killed before its line feed.
    mutating func finish() throws(SystemCallError) -> Event? {
        let rest = try file.fd.read(upTo: Event.maximumLineBytes, at: offset)
        offset += Int64(rest.count)
        if rest.isEmpty { return nil }
        let event = isInsideLongLine ? nil : Event(json: rest)
        if event == nil { skippedLines += 1 }
        return event
    }
}
