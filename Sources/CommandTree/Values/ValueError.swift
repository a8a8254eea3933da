import NearestName

/// A value of an option that cannot be read. `description` is one line without a full stop, and quotes what was given
/// shortened and without control characters.
public enum ValueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not in the syntax; `expected` shows it, by example where that is clearer.
    case malformed(what: String, value: String, expected: String)
    /// In the syntax, but too small, too large or too precise; `allowed` says what is not.
    case outOfRange(what: String, value: String, allowed: String)
    /// None of the names there are.
    case unknownName(what: String, value: String, known: [String])
    /// Known, and refused; `instead` says what to do.
    case unsupported(what: String, value: String, instead: String)

    public var description: String {
        switch self {
        case .malformed(let what, let value, let expected):
            "invalid \(what) \"\(shown(value))\": expected \(expected)"
        case .outOfRange(let what, let value, let allowed):
            "\(what) \"\(shown(value))\" is out of range: \(allowed)"
        case .unknownName(let what, let value, let known):
            "unknown \(what) \"\(shown(value))\": "
                + (NearestName.find(value, among: known).map { "did you mean \($0)?" }
                    ?? "there is \(listed(known, "and"))")
        case .unsupported(let what, let value, let instead):
            "\(what) \"\(shown(value))\" is not supported yet: \(instead)"
        }
    }
}
