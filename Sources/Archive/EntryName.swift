/// A name in an archive as a path below the destination: without a leading slash, empty components and `.`, and with no
/// `..`, which is refused wherever it is.
struct EntryName: Equatable {
    /// Components with one slash between them; empty for the destination itself.
    let path: [UInt8]
    /// Where the last one starts in `path`.
    private let lastStart: Int

    /// - Parameter first: takes the place of the first component.
    init(_ archived: [UInt8], first: [UInt8]? = nil) throws(ArchiveError) {
        let dot = UInt8(ascii: ".")
        var path: [UInt8] = []
        var lastStart = 0
        var rest = archived[...]
        while !rest.isEmpty {
            let component = rest.prefix { $0 != UInt8(ascii: "/") }
            rest = rest.dropFirst(component.count + 1)
            let isDots = component.first == dot && component.last == dot && component.count <= 2
            if component.isEmpty || isDots && component.count == 1 { continue }
            guard !isDots else { throw ArchiveError(archived, .climbs) }
            if path.isEmpty {
                path += first ?? Array(component)
            } else {
                path.append(UInt8(ascii: "/"))
                lastStart = path.count
                path += component
            }
        }
        self.path = path
        self.lastStart = lastStart
    }

    var last: [UInt8] { Array(path[lastStart...]) }

    /// The directory it is in; empty for what is directly in the destination.
    var parent: ArraySlice<UInt8> { path.prefix(max(lastStart - 1, 0)) }
}
