import OCI

/// Why a config.json, or what `bulkhead run` was asked for, cannot become a container.
public enum TranslationError: Error, Equatable, Sendable {
    /// The document asks for what Bulkhead does not do: all of it, as `SpecReview` found it, up to the review's limit;
    /// `omitted` findings are not in the list.
    case refused([SpecReview.Finding], omitted: Int)
    /// The specification could not be reviewed.
    case notReviewed(SpecError)
    /// A field that a container cannot do without is absent or empty.
    case missing(field: String)
    /// The value of a field is not one that it may have; the value is shortened.
    case invalid(field: String, value: String, reason: String)
    /// The options of a mount cannot be applied.
    case mountOptions(field: String, MountOptionError)
    /// The host path is not shared with the guest.
    case unmappedBind(source: String, destination: String)

    /// `.invalid` with the value cut to what a message can show.
    static func invalid(_ field: String, _ value: String, _ reason: String) -> TranslationError {
        .invalid(field: field, value: Shown.shortened(value), reason: reason)
    }
}

extension TranslationError: CustomStringConvertible {
    /// A line for a person; a line per finding if the document was refused.
    public var description: String {
        switch self {
        case .refused(let findings, let omitted):
            (findings.map(\.description) + (omitted > 0 ? ["and \(omitted) more"] : [])).joined(separator: "\n")
        case .notReviewed(let cause): "\(cause)"
        case .missing(let field): "\(field) is missing"
        case .invalid(let field, let value, let reason): "\(field) = \(value): \(reason)"
        case .mountOptions(let field, let cause): "\(field): \(cause)"
        case .unmappedBind(let source, let destination):
            "the host's \(Shown.shortened(source)) for \(Shown.shortened(destination)) is not shared with the VM"
        }
    }
}

/// Values of documents in messages.
enum Shown {
    /// Characters of a value that a message shows.
    static let maximumCharacters = 120

    private static let unreadable: [Unicode.GeneralCategory] = [.control, .format, .lineSeparator, .paragraphSeparator]

    static func shortened(_ text: String) -> String {
        var shown = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            guard count < maximumCharacters else { return shown + "…" }
            shown += unreadable.contains(scalar.properties.generalCategory) ? "?" : String(scalar)
        }
        return shown
    }
}
