import Calendar
import CommandTree
import Linux

/// `prune --filter`: what is removed fulfils every term, as docker has it. Pure but for the clock that times are read by.
struct PruneFilter {
    enum Term: Equatable {
        /// Made before that moment, in nanoseconds since 1970.
        case until(Int64)
        /// `KEY` or `KEY=VALUE`.
        case label(String)

        static func parse(_ text: String) throws(ValueError) -> Term {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw .malformed(what: "filter", value: text, expected: "KEY=VALUE, such as until=24h")
            }
            let name = String(text[..<equals]), value = String(text[text.index(after: equals)...])
            switch name {
            case "until":
                let time = try TimeValue.parse(value, now: .now, zoneOffsetSeconds: WallClock.zoneOffsetSeconds)
                return .until(time.nanosecondsSince1970)
            case "label": return .label(value)
            case "label!":
                throw .unsupported(what: "filter", value: name, instead: "name what is to go with \"bulkhead rm\"")
            default: throw .unknownName(what: "filter", value: name, known: keys)
            }
        }
    }

    static let keys = ["until", "label"]

    private let terms: [Term]

    init(_ terms: [Term] = []) { self.terms = terms }

    /// - Parameter createdAt: nanoseconds since 1970; nil, where nobody knows, is before no moment.
    func accepts(createdAt: Int64?, labels: [String: String]) -> Bool {
        terms.allSatisfy { term in
            switch term {
            case .until(let moment): createdAt.map { $0 < moment } ?? false
            case .label(let label): PsFilter.has(label, labels)
            }
        }
    }
}
