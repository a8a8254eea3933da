import OCI

/// What a `RecordStore` keeps.
public protocol StoredRecord: JSONDocument {
    /// What it is, to people.
    static var noun: String { get }
    /// Below the root directory.
    static var directoryName: String { get }
    static var fileName: String { get }
    /// Of the format; others are not read.
    static var currentVersion: Int { get }

    var version: Int { get }
    var id: String { get }
    var name: String { get }
    /// Nanoseconds since 1970 in UTC.
    var createdAt: Int64 { get }
    /// The record is removed with what it describes.
    var removesItself: Bool { get }
    /// Whose monitor is in charge of it.
    var podID: String { get }
}

extension StoredRecord {
    /// The first twelve digits, as tables show them.
    public var shortID: String { String(id.prefix(12)) }
}
