import Calendar

/// Lines of the file that are to be written together, in memory of a fixed size.
struct LineBuffer: ~Copyable {
    static let capacity = 128 << 10

    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
    /// What a full line of each stream begins with, one after the other.
    private let prefixes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: CRIFormat.prefixBytes * LogStream.allCases.count, alignment: 16)
    private(set) var count = 0
    /// Bytes of the notice that the buffer begins with.
    private(set) var noticeBytes = 0
    /// Whose text the prefixes have.
    private var time: Moment?

    init() {
        for stream in LogStream.allCases {
            let text = "1970-01-01T00:00:00.000000000Z \(stream.rawValue) F "
            for (offset, byte) in text.utf8.enumerated() {
                prefixes[stream.index * CRIFormat.prefixBytes + offset] = byte
            }
        }
    }

    deinit {
        memory.deallocate()
        prefixes.deallocate()
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// The time of the lines that are added from here on.
    mutating func setTime(_ newTime: Moment) {
        guard newTime != time else { return }
        let isSameSecond = newTime.seconds == time?.seconds
        for stream in LogStream.allCases {
            let prefix = UnsafeMutableRawBufferPointer(
                rebasing: prefixes[(stream.index * CRIFormat.prefixBytes)...])
            isSameSecond ? newTime.writeFraction(to: prefix) : newTime.write(to: prefix)
        }
        time = newTime
    }

    /// Whether a line with so many bytes of text can be added.
    func hasRoom(for textBytes: Int) -> Bool { Self.capacity - count > textBytes + CRIFormat.prefixBytes }

    /// Adds a line whose text is `first` and `second`. There is room for it.
    mutating func add(_ stream: LogStream, isPartial: Bool, _ first: [UInt8], _ second: UnsafeRawBufferPointer) {
        let prefixStart = stream.index * CRIFormat.prefixBytes
        let tagOffset = count + CRIFormat.tagOffset
        add(UnsafeRawBufferPointer(rebasing: prefixes[prefixStart..<prefixStart + CRIFormat.prefixBytes]))
        if isPartial { memory[tagOffset] = CRIFormat.partial }
        if !first.isEmpty { first.withUnsafeBytes { add($0) } }
        add(second)
        memory[count] = CRIFormat.newline
        count += 1
    }

    /// Begins an empty buffer with a line of our own.
    mutating func addNotice(_ text: [UInt8]) {
        text.withUnsafeBytes { add(.error, isPartial: false, [], $0) }
        noticeBytes = count
    }

    mutating func removeAll() {
        count = 0
        noticeBytes = 0
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + bytes.count]).copyMemory(from: bytes)
        count += bytes.count
    }
}
