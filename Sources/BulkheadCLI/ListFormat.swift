import CommandTree

/// How a list is shown.
enum ListFormat: String, CaseIterable {
    case table, json

    static let option = Option(
        "format", .value("table|json"), "How they are shown", completes: .choices(allCases.map(\.rawValue)),
        defaultText: "table")

    init(_ arguments: ParsedArguments) throws {
        self = try arguments.value("format", as: Self.parse) ?? .table
    }

    static func parse(_ text: String) throws(ValueError) -> ListFormat {
        if let format = ListFormat(rawValue: text) { return format }
        // docker's "table {{.Names}}" is one as well.
        guard text.contains("{{") else {
            throw .unknownName(what: "format", value: text, known: allCases.map(\.rawValue))
        }
        throw .unsupported(what: "template", value: text, instead: "use --format json, and jq for instance")
    }
}
