import Testing

@testable import BulkheadCLI

@Suite struct CopyPlanTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let source: String, isDirectory: Bool, target: String, kind: CopyPlan.Kind, name: String, directory: String
        var testDescription: String { "\(source) → \(target)" }
    }

    @Test(arguments: [
        // A file.
        Row(source: "a/f", isDirectory: false, target: "/d/g", kind: .missing, name: "g", directory: "/d"),
        Row(source: "a/f", isDirectory: false, target: "/d/g", kind: .other, name: "g", directory: "/d"),
        Row(source: "a/f", isDirectory: false, target: "/d", kind: .directory, name: "f", directory: "/d"),
        Row(source: "a/f", isDirectory: false, target: "/d/", kind: .directory, name: "f", directory: "/d/"),
        Row(source: "f", isDirectory: false, target: "g", kind: .missing, name: "g", directory: "."),
        Row(source: "f", isDirectory: false, target: "/g", kind: .missing, name: "g", directory: "/"),
        Row(source: "f", isDirectory: false, target: "", kind: .directory, name: "f", directory: "."),
        // A directory.
        Row(source: "a/d", isDirectory: true, target: "/e", kind: .missing, name: "e", directory: "/"),
        Row(source: "a/d", isDirectory: true, target: "/e/", kind: .missing, name: "e", directory: "/"),
        Row(source: "a/d/.", isDirectory: true, target: "/e", kind: .missing, name: "e", directory: "/"),
        Row(source: "a/d", isDirectory: true, target: "/e", kind: .directory, name: "d", directory: "/e"),
        Row(source: "a/d/", isDirectory: true, target: "/e", kind: .directory, name: "d", directory: "/e"),
        Row(source: "a/d/.", isDirectory: true, target: "/e", kind: .directory, name: ".", directory: "/e"),
        Row(source: ".", isDirectory: true, target: "/e", kind: .directory, name: ".", directory: "/e"),
        Row(source: "/", isDirectory: true, target: "/e", kind: .directory, name: ".", directory: "/e"),
        Row(source: "..", isDirectory: true, target: "/e", kind: .directory, name: ".", directory: "/e"),
        Row(source: "a//d///", isDirectory: true, target: "/e//", kind: .directory, name: "d", directory: "/e//"),
    ]) func itGoesWhereDockerPutsIt(_ row: Row) throws {
        let plan = try CopyPlan(
            source: Array(row.source.utf8), sourceIsDirectory: row.isDirectory, target: Array(row.target.utf8),
            targetKind: row.kind, parentKind: .directory)
        #expect(String(decoding: plan.name, as: UTF8.self) == row.name)
        #expect(String(decoding: plan.directory, as: UTF8.self) == row.directory)
    }

    @Test(arguments: [
        ("/d/link", "/x", "/x"), ("/d/link", "x/y", "/d/x/y"), ("/link", "../x", "//../x"), ("link", "x", "./x"),
        ("d/link/", "..", "d/.."),
    ]) func aLinkLeadsFromWhereItIs(_ path: String, _ link: String, _ target: String) {
        #expect(CopyPlan.target(of: Array(link.utf8), at: Array(path.utf8)) == Array(target.utf8))
    }

    @Test(arguments: [
        ("f/", false, "/d", CopyPlan.Kind.directory, CopyPlan.Kind.directory, CopyPlanError.sourceIsNoDirectory),
        ("f/.", false, "/d", .directory, .directory, .sourceIsNoDirectory),
        ("d", true, "/f", .other, .directory, .directoryOverFile),
        ("f", false, "/g/", .other, .directory, .targetIsNoDirectory),
        ("f", false, "/d/", .missing, .directory, .noSuchTarget),
        ("f", false, "/no/g", .missing, .missing, .noSuchTarget),
        ("d", true, "/no/g", .missing, .missing, .noSuchTarget), ("d", true, "/f/g", .missing, .other, .noSuchTarget),
        ("f", false, "..", .missing, .directory, .noSuchTarget),
    ]) func whatCannotBeIsRefused(
        _ source: String, _ isDirectory: Bool, _ target: String, _ kind: CopyPlan.Kind, _ parent: CopyPlan.Kind,
        _ error: CopyPlanError
    ) {
        #expect(throws: error) {
            try CopyPlan(
                source: Array(source.utf8), sourceIsDirectory: isDirectory, target: Array(target.utf8),
                targetKind: kind,
                parentKind: parent)
        }
    }
}
