import Linux

/// Why the store cannot do what it was asked for.
public enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    case notFound(String, _ noun: String = ContainerRecord.noun)
    case ambiguous(String, _ noun: String = ContainerRecord.noun)
    case nameInUse(String, by: String)
    case unusable(SystemCallError)

    public var description: String {
        switch self {
        case .notFound(let reference, let noun): "no such \(noun): \(reference)"
        case .ambiguous(let reference, let noun): "several \(noun)s' ids begin with \(reference): give more of it"
        case .nameInUse(let name, let owner):
            "the name \"\(name)\" is in use by \(owner): remove that one, or choose another name"
        case .unusable(let error): "the record: \(error)"
        }
    }
}
