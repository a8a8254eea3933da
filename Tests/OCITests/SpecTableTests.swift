import JSON
import FoundationEssentials
import Testing

@testable import OCI

@Suite struct SpecTableTests {
    @Test func pathsAreUnique() {
        let paths = SpecTable.entries.map(\.path)
        #expect(Set(paths).count == paths.count)
        let options = MountOptions.table.map(\.name)
        #expect(Set(options).count == options.count)
        #expect(SpecTable.absences.map(\.namespace).count == RuntimeSpec.Namespace.Kind.allCases.count)
    }

    /// `complete` has every field that `RuntimeSpec` has (a test holds the round trip): the table must know them all,
    /// and have no field beyond them.
    @Test func tableAndTypesHaveTheSameFields() throws {
        let complete = try JSONParser.parse(Sample.complete.bytes)
        #expect(
            try SpecReview.review(json: Sample.complete.bytes).notes.filter { $0.reason == "unknown, ignored" } == [])
        for entry in SpecTable.entries {
            #expect(has(complete, entry.path), "\(entry.path)")
        }
    }

    private func has(_ value: JSONValue, _ path: String) -> Bool {
        var values = [value]
        for part in path.split(separator: ".") {
            let name = part.hasSuffix("[]") ? String(part.dropLast(2)) : String(part)
            values = values.flatMap { value -> [JSONValue] in
                guard case .object(let members) = value else { return [] }
                return members.filter { name == "*" || $0.key == name }.map(\.value)
            }
            if part.hasSuffix("[]") { values = values.flatMap(\.elements) }
        }
        return !values.isEmpty
    }

    @Test func everyRefusedFieldIsRefused() throws {
        var json = try JSONParser.parse(Sample.complete.bytes).serialized
        // Presence only: an empty block asks for nothing.
        for block in ["vm", "windows", "solaris", "zos"] {
            json = json.replacing("\"\(block)\":{}", with: "\"\(block)\":{\"x\":1}")
        }
        let refusals = try SpecReview.review(json: json.bytes).refusals
        for entry in SpecTable.entries {
            guard case .refused(let reason) = entry.treatment else { continue }
            let path = entry.path.replacing("[]", with: "[0]").replacing(".*", with: ".monotonic")
            #expect(refusals.contains { $0.path == path && $0.reason == reason && !$0.value.isEmpty }, "\(entry.path)")
        }
    }

    @Test func conformancePageIsPrintedFromTheTable() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/conformance.md")
        if ProcessInfo.processInfo.environment["BULKHEAD_REGENERATE"] != nil {
            try Data(SpecTable.markdown().utf8).write(to: page)
        }
        let text = String(decoding: try Data(contentsOf: page), as: UTF8.self)
        #expect(text == SpecTable.markdown(), "run: BULKHEAD_REGENERATE=1 swift test --filter OCITests")
    }
}
