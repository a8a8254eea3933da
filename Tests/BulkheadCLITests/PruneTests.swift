import CommandTree
import Testing

@testable import BulkheadCLI

@Suite struct PruneFilterTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var terms: [String], isAccepted: Bool
        var testDescription: String { terms.joined(separator: " ") }
    }

    /// Of something made in 2017 with two labels.
    @Test(arguments: [
        Row(terms: [], isAccepted: true), Row(terms: ["until=24h"], isAccepted: true),
        Row(terms: ["until=2017-01-05T00:35:58"], isAccepted: false),
        Row(terms: ["until=2018-01-01"], isAccepted: true),
        Row(terms: ["label=a"], isAccepted: true), Row(terms: ["label=a=1"], isAccepted: true),
        Row(terms: ["label=a=2"], isAccepted: false), Row(terms: ["label=a", "label=b"], isAccepted: true),
        Row(terms: ["label=a", "label=c"], isAccepted: false),
        Row(terms: ["label=a", "until=2001-01-01"], isAccepted: false),
    ]) func everyTermMustHold(_ row: Row) throws {
        let filter = PruneFilter(try row.terms.map(PruneFilter.Term.parse))
        let time: Int64 = 1_483_662_958_000_000_000
        #expect(filter.accepts(createdAt: time, labels: ["a": "1", "b": ""]) == row.isAccepted)
    }

    @Test func whatIsOfNoTimeIsBeforeNone() throws {
        let filter = PruneFilter([try .parse("until=1s")])
        #expect(!filter.accepts(createdAt: nil, labels: [:]))
        #expect(PruneFilter().accepts(createdAt: nil, labels: [:]))
    }

    @Test(arguments: [
        ("24h", "expected KEY=VALUE"), ("=24h", "expected KEY=VALUE"), ("until=soon", "soon"),
        ("untli=24h", "did you mean until?"), ("label!=a", "is not supported yet"),
    ]) func whatMeansNothingIsToldSo(_ text: String, _ message: String) {
        let error = #expect(throws: ValueError.self) { _ = try PruneFilter.Term.parse(text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }
}

@Suite struct PruneReportTests {
    @Test func itIsDockers() {
        var report = PruneReport()
        #expect(report.text == "Total reclaimed space: 0B\n")
        report.add("untagged: a", below: "Deleted Images")
        report.add("1", below: "Deleted Pods", bytes: 1_000)
        report.add("deleted: b", below: "Deleted Images", bytes: 240)
        report.add(bytes: -5)
        #expect(
            report.text == "Deleted Images:\nuntagged: a\ndeleted: b\n\nDeleted Pods:\n1\n\n"
                + "Total reclaimed space: 1.24kB\n")
    }

    @Test func noSumIsTooLarge() {
        var report = PruneReport()
        for _ in 0..<3 { report.add(bytes: .max) }
        #expect(report.text == "Total reclaimed space: 18.4EB\n")
    }

    @Test(arguments: [
        ("y\n", true), (" Yes \n", true), ("Y", true), ("", false), ("\n", false), ("n\n", false), ("yy\n", false),
        ("\u{FF}\n", false),
    ]) func onlyYesIsYes(_ answer: String, _ isYes: Bool) {
        #expect(Prune.isYes(Array(answer.utf8)) == isYes)
    }
}
