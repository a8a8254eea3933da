/// The last bytes of an output that may be endless: a guest's console, QEMU's standard error.
public struct TailBuffer: Sendable {
    private let capacity: Int
    private var bytes: [UInt8] = []

    /// Keeps at least `capacity` bytes, and less than twice that.
    public init(capacity: Int) { self.capacity = capacity }

    /// Adds output, and forgets the oldest when there is too much.
    public mutating func append(_ more: [UInt8]) {
        bytes += more.suffix(capacity)
        if bytes.count >= 2 * capacity { bytes.removeFirst(bytes.count - capacity) }
    }

    /// The last lines, at most `count`, fit to be shown on a terminal: control characters of a hostile guest are gone.
    public func lines(_ count: Int) -> [String] {
        let text = String(decoding: bytes.suffix(capacity), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).suffix(count).map { line in
            String(
                String.UnicodeScalarView(
                    line.unicodeScalars.filter { $0.properties.generalCategory != .control || $0 == "\t" }))
        }
    }
}
