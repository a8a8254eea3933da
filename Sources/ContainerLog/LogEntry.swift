import Calendar
import Linux

/// Where a container wrote a line to.
public enum LogStream: String, Sendable, CaseIterable {
    case output = "stdout"
    case error = "stderr"

    /// For arrays with an element for each stream.
    var index: Int { self == .output ? 0 : 1 }
}

/// One line of a log file: a line of the container's, or a part of one that is too long for a line of the file.
public struct LogEntry: Equatable, Sendable {
    public let time: Moment
    public let stream: LogStream
    /// More of the same line of the container's follows in the next entry of this stream, or none was ever written.
    public let isPartial: Bool
    /// What the container wrote, without the newline. Any bytes but a newline.
    public let text: [UInt8]

    public init(time: Moment, stream: LogStream, isPartial: Bool, text: [UInt8]) {
        self.time = time
        self.stream = stream
        self.isPartial = isPartial
        self.text = text
    }

    init(_ head: CRIFormat.Head, _ text: Slice<UnsafeRawBufferPointer>) {
        self.init(time: head.time, stream: head.stream, isPartial: head.isPartial, text: [UInt8](text))
    }

    /// What the container wrote: printed one after the other, the entries of a stream are what went into it.
    public var printed: [UInt8] { isPartial ? text : text + [CRIFormat.newline] }
}

/// Turns entries into what is shown of them: what the container wrote, with the time in front of each line if wanted.
public struct LogPrinter: Sendable {
    private let hasTimes: Bool
    private let prefix: [UInt8]
    /// Of each stream whether a line has begun that has not ended. It has its time already.
    private var isInsideLine = [false, false]

    /// - Parameter prefix: what each line begins with, before its time.
    public init(withTimes hasTimes: Bool = false, prefix: String = "") {
        self.hasTimes = hasTimes
        self.prefix = Array(prefix.utf8)
    }

    /// Adds what is shown of the next entry of its stream.
    public mutating func print(_ entry: LogEntry, to bytes: inout [UInt8]) {
        if !isInsideLine[entry.stream.index] {
            bytes += prefix
            if hasTimes {
                bytes += entry.time.description.utf8
                bytes.append(CRIFormat.space)
            }
        }
        isInsideLine[entry.stream.index] = entry.isPartial
        bytes += entry.printed
    }
}

/// The lines of a log file: `2016-10-06T00:17:09.669794202Z stdout F text\n`. Of the tags, which `:` separates, the
/// first says whether the line is full (`F`) or partial (`P`); others may be added later and are ignored.
/// Source: Kubernetes, design proposal "CRI: logging for container stdout/stderr streams".
enum CRIFormat {
    static let newline = UInt8(ascii: "\n")
    static let full = UInt8(ascii: "F"), partial = UInt8(ascii: "P")
    /// Time, stream and tag with a space after each.
    static let prefixBytes = Moment.textBytes + 10
    /// Where in the prefix the tag is.
    static let tagOffset = prefixBytes - 2
    /// A longer line is no line of a log of ours: twice what `LogLimits` allows.
    static let maximumLineBytes = 2 * (LogLimits.lineBytesRange.upperBound + prefixBytes + 1)

    static let space = UInt8(ascii: " ")

    /// A line without its newline, taken apart; nil for anything that is none. The text is a range of `bytes`.
    static func parse(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> (head: Head, text: Range<Int>)? {
        guard range.count <= maximumLineBytes else { return nil }
        let line = bytes[range]
        guard let timeEnd = line.firstIndex(of: space),
            let time = Moment(utf8: UnsafeRawBufferPointer(rebasing: line[..<timeEnd])),
            let streamEnd = line[(timeEnd + 1)...].firstIndex(of: space)
        else { return nil }
        let name = line[(timeEnd + 1)..<streamEnd]
        guard let stream = LogStream.allCases.first(where: { name.elementsEqual($0.rawValue.utf8) }) else {
            return nil
        }
        let tags = line[(streamEnd + 1)...].prefix { $0 != space }
        guard let tag = tags.first, tag == full || tag == partial else { return nil }
        guard tags.count == 1 || tags[tags.startIndex + 1] == UInt8(ascii: ":") else { return nil }
        // An empty line whose last space somebody has cut off is still a line.
        let textStart = min(tags.endIndex + 1, range.upperBound)
        return (Head(time: time, stream: stream, isPartial: tag == partial), textStart..<range.upperBound)
    }

    /// An entry without its text.
    struct Head {
        let time: Moment
        let stream: LogStream
        let isPartial: Bool
    }
}

extension UnsafeRawBufferPointer {
    /// The offset of the first newline from `start` on. Eight bytes at a time: a quarter of the time of one by one.
    func firstNewline(from start: Int) -> Int? {
        let low: UInt64 = 0x0101_0101_0101_0101
        let newlines = low &* UInt64(CRIFormat.newline)
        var offset = start
        while count - offset >= 8 {
            let word = UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ newlines
            // The lowest set bit is in the first byte that is 0.
            let zeros = (word &- low) & ~word & (low << 7)
            if zeros != 0 { return offset + zeros.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < count {
            if self[offset] == CRIFormat.newline { return offset }
            offset += 1
        }
        return nil
    }

    /// The offset of the last newline before `end`.
    func lastNewline(before end: Int) -> Int? {
        var offset = end
        while offset > 0 {
            offset -= 1
            if self[offset] == CRIFormat.newline { return offset }
        }
        return nil
    }
}

extension Moment {
    /// This moment, by the clock that may be set back.
    public static var now: Moment { Moment(nanosecondsSince1970: WallClock.now) }
}
