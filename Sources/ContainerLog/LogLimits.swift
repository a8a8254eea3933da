/// How much a container's log may take. A value outside its range becomes the nearest one within.
public struct LogLimits: Equatable, Sendable {
    /// Room for the longest line in any case.
    public static let fileBytesRange: ClosedRange<Int64> = 64 << 10...1 << 40
    public static let filesRange = 1...32
    public static let lineBytesRange = 80...16 << 10

    /// Bytes of one file.
    public let fileBytes: Int64
    /// Files with the one being written; together they have `fileBytes * files` at most.
    public let files: Int
    /// Bytes of a container's line in one line of the file; a longer one is written in parts. As many are kept for
    /// each stream of a line that has not ended.
    public let lineBytes: Int

    public init(fileBytes: Int64 = 10 << 20, files: Int = 3, lineBytes: Int = 16 << 10) {
        self.fileBytes = fileBytes.clamped(to: Self.fileBytesRange)
        self.files = files.clamped(to: Self.filesRange)
        self.lineBytes = lineBytes.clamped(to: Self.lineBytesRange)
    }
}

extension Comparable {
    fileprivate func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}
