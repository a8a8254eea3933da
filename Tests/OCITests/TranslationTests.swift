import AgentAPI
import JSON
import SeededRandom
import SpecTranslation
import Testing

@testable import OCI

/// Documents of engines, damaged, through table and translation: neither traps, and what is accepted has no field that the
/// table does not know or that has not been noted.
@Suite struct TranslationTests {
    @Test(arguments: Sample.all) func whatIsAcceptedIsInTheTable(_ sample: Sample) throws {
        var generator = SeededGenerator(seed: 2026)
        let whole = try JSONParser.parse(sample.bytes)
        let base = Self.dropping(
            Set(try SpecReview.review(json: sample.bytes).refusals.map(\.path)), from: whole, path: "")
        var accepted = 0, noted = 0, refused = 0
        for round in 0..<1500 {
            let rarity: UInt64 = round % 3 == 0 ? 40 : 1000
            let mutated = Mutation.ofValue(base, rarity: rarity, using: &generator)
            let document = Self.extended(mutated, rarity: 400, using: &generator)
            let bytes = document.serialized.bytes
            // What `RuntimeSpec` does not take is no document: other tests see to these.
            guard let spec = try? RuntimeSpec.decode(json: bytes), Self.translates(spec) else {
                refused += 1
                continue
            }
            accepted += 1
            let review = try SpecReview.review(json: bytes)
            #expect(review.refusals == [])
            let unknown = review.notes.filter { $0.reason == SpecTable.unknownField }.map(\.path)
            noted += unknown.isEmpty ? 0 : 1
            for (path, names) in Self.leaves(of: document, path: "", names: []) where !Self.isInTable(names) {
                #expect(
                    unknown.contains { path == $0 || path.hasPrefix($0 + ".") || path.hasPrefix($0 + "[") }, "\(path)")
            }
        }
        #expect(refused > 0)
        // The complete sample asks for what cannot be left out, as the filter's NOTIFY.
        #expect(accepted > 100 && noted > 10 || sample.name == Sample.complete.name, "\(accepted), \(noted) noted")
    }

    private static func translates(_ spec: RuntimeSpec) -> Bool {
        (try? ContainerTranslation.translate(spec, rootfs: RootFileSystem()) { _ in "/shared" }) != nil
    }

    /// Without the members and elements at these paths.
    private static func dropping(_ paths: Set<String>, from value: JSONValue, path: String) -> JSONValue {
        switch value {
        case .null, .bool, .number, .string: return value
        case .array(let elements):
            return .array(
                elements.enumerated().compactMap { index, element in
                    let place = "\(path)[\(index)]"
                    return paths.contains(place) ? nil : dropping(paths, from: element, path: place)
                })
        case .object(let members):
            return .object(
                members.compactMap { member in
                    let place = (path.isEmpty ? "" : path + ".") + SpecPath.key(member.key)
                    guard !paths.contains(place) else { return nil }
                    return JSONMember(key: member.key, value: dropping(paths, from: member.value, path: place))
                })
        }
    }

    /// With a member that nobody knows in about one of `rarity` objects.
    private static func extended(
        _ value: JSONValue, rarity: UInt64, using generator: inout SeededGenerator
    ) -> JSONValue {
        switch value {
        case .null, .bool, .number, .string: return value
        case .array(let elements):
            return .array(elements.map { extended($0, rarity: rarity, using: &generator) })
        case .object(let members):
            var members = members.map {
                JSONMember(key: $0.key, value: extended($0.value, rarity: rarity, using: &generator))
            }
            if generator.next() % rarity == 0 {
                members.append(JSONMember(key: "novelty", value: .array([.string("x"), .object([])])))
            }
            return .object(members)
        }
    }

    /// What is not null and has nothing below: its path as people see it, and names with `[]` for an index.
    private static func leaves(
        of value: JSONValue, path: String, names: [String]
    ) -> [(path: String, names: [String])] {
        switch value {
        case .null: []
        case .bool, .number, .string: [(path, names)]
        case .array(let elements):
            elements.enumerated().flatMap { leaves(of: $1, path: "\(path)[\($0)]", names: names + ["[]"]) }
        case .object(let members):
            members.flatMap { member in
                leaves(
                    of: member.value, path: (path.isEmpty ? "" : path + ".") + SpecPath.key(member.key),
                    names: names + [member.key])
            }
        }
    }

    /// The table's rows as names; a row covers what is below it. Not by the code that `SpecReview` uses.
    private static let rows: [[String]] = SpecTable.entries.map { entry in
        entry.path.split(separator: ".").flatMap { part in
            part.hasSuffix("[]") ? [String(part.dropLast(2)), "[]"] : [String(part)]
        }
    }

    private static func isInTable(_ names: [String]) -> Bool {
        rows.contains { row in
            row.count <= names.count && zip(row, names).allSatisfy { $0 == $1 || $0 == "*" && $1 != "[]" }
        }
    }
}
