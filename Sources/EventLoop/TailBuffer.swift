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

    /// The last lines that are not empty, at most `count`, fit to be shown on a terminal: control characters of a hostile
    /// guest are gone, and the rest of its escape sequences.
    /// - Parameter landmark: where the first line with this text is among them, that and what is around it is what
    ///   counts: a kernel's trace is longer than its reason.
    public func lines(_ count: Int, landmark: String? = nil) -> [String] {
        let text = String(decoding: bytes.suffix(capacity), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline).map(Self.printable).filter { !$0.isEmpty }
        guard let landmark, let place = lines.firstIndex(where: { $0.contains(landmark) }) else {
            return lines.suffix(count)
        }
        return Array(lines[max(place - count / 3, 0)...].prefix(count))
    }

    private static let lineLimit = 300

    private static func printable(_ line: Substring) -> String {
        var kept = String.UnicodeScalarView()
        var rest = line.unicodeScalars[...]
        var count = 0
        while count < lineLimit, let scalar = rest.popFirst() {
            if scalar == "\u{1b}" {
                // ECMA-48, 5.4: parameters, then a final byte; others have one byte.
                guard rest.popFirst() == "[" else { continue }
                while let next = rest.popFirst(), !("\u{40}"..."\u{7e}").contains(next) {}
            } else if scalar.properties.generalCategory != .control || scalar == "\t" {
                kept.append(scalar)
                count += 1
            }
        }
        return String(kept)
    }
}
