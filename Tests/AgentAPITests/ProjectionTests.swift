import AgentAPI
import Protobuf
import SeededRandom
import Testing

/// What a projection may be, and how one becomes another.
@Suite struct ProjectionTests {
    static func directory(_ path: String, mode: UInt32 = 0o755, time: Int64 = 1) -> ProjectionEntry {
        entry(path, .directory, mode: mode, time: time)
    }

    static func file(_ path: String, _ content: String, mode: UInt32 = 0o644, time: Int64 = 1) -> ProjectionEntry {
        entry(path, .file, mode: mode, content, time: time)
    }

    static func link(_ path: String, _ target: String, time: Int64 = 1) -> ProjectionEntry {
        entry(path, .link, mode: 0o777, target, time: time)
    }

    private static func entry(
        _ path: String, _ kind: ProjectionKind, mode: UInt32, _ content: String = "", time: Int64
    ) -> ProjectionEntry {
        var entry = ProjectionEntry(path: Array(path.utf8), kind: kind, mode: mode, content: Array(content.utf8))
        entry.modifiedSeconds = time
        return entry
    }

    /// As AtomicWriter has it: files by name in a directory `..stamp`.
    static func written(_ stamp: String, _ files: [String: String], time: Int64 = 1) -> ProjectionSnapshot {
        let names = files.keys.sorted()
        return ProjectionSnapshot(
            entries: [
                directory("", mode: 0o777, time: time), directory("..\(stamp)"),
                link("..data", "..\(stamp)", time: time),
            ]
                + names.map { file("..\(stamp)/\($0)", files[$0] ?? "") } + names.map { link($0, "..data/\($0)") })
    }

    /// A step in a few words.
    static func words(_ step: ProjectionStep) -> String {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        return switch step {
        case .makeDirectory(let path): "mkdir \(text(path))"
        case .make(let entry): "make \(text(entry.path))"
        case .replace(let entry, let name): "replace \(text(entry.path)) through \(text(name))"
        case .setAttributes(let entry): "set /\(text(entry.path))"
        case .remove(let path, let isDirectory): "\(isDirectory ? "rmdir" : "unlink") \(text(path))"
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        var from: ProjectionSnapshot?
        let to: ProjectionSnapshot
        let steps: [String]
        var testDescription: String { name }
    }

    static let changes = [
        Change(
            name: "a new one", to: written("1", ["a": "x"]),
            steps: [
                "mkdir ..1", "replace ..1/a through ..data_tmp", "set /..1", "replace ..data through ..data_tmp",
                "make a", "set /",
            ]),
        Change(
            name: "an update", from: written("1", ["a": "x", "b": "y"]),
            to: written("2", ["a": "z", "c": "y"], time: 2),
            steps: [
                "mkdir ..2", "replace ..2/a through ..data_tmp", "replace ..2/c through ..data_tmp", "set /..2",
                "replace ..data through ..data_tmp", "make c", "unlink b", "unlink ..1/b", "unlink ..1/a", "rmdir ..1",
                "set /",
            ]),
        Change(name: "nothing", from: written("1", ["a": "x"]), to: written("1", ["a": "x"]), steps: []),
        Change(
            name: "attributes of a directory", from: ProjectionSnapshot(entries: [directory(""), directory("d")]),
            to: ProjectionSnapshot(entries: [directory("", mode: 0o2750), directory("d", mode: 0o700)]),
            steps: ["set /d", "set /"]),
        Change(
            name: "a file in place",
            from: ProjectionSnapshot(entries: [directory(""), directory("d"), file("d/f", "1")]),
            to: ProjectionSnapshot(entries: [directory(""), directory("d"), file("d/f", "2")]),
            steps: ["replace d/f through ..data_tmp", "set /d"]),
        Change(
            name: "other kinds",
            from: ProjectionSnapshot(entries: [directory(""), directory("d"), file("d/f", "1"), link("l", "d")]),
            to: ProjectionSnapshot(entries: [directory(""), file("d", "2"), directory("l"), link("l/m", "d")]),
            steps: [
                "unlink l", "mkdir l", "make l/m", "set /l", "unlink d/f", "rmdir d", "replace d through ..data_tmp",
                "set /",
            ]),
        Change(
            name: "names that are before the dots",
            from: ProjectionSnapshot(entries: [directory(""), directory("..1"), link("-a", "x")]),
            to: ProjectionSnapshot(
                entries: [directory(""), directory("..2"), link("-b", "x"), link("..data", "..2")]),
            steps: [
                "mkdir ..2", "set /..2", "replace ..data through ..data_tmp", "make -b", "unlink -a", "rmdir ..1",
                "set /",
            ]),
        Change(
            name: "a name that is taken",
            from: ProjectionSnapshot(entries: [directory(""), link("..data_tmp", "x"), link("..data_tmp_", "x")]),
            to: ProjectionSnapshot(entries: [directory(""), link("..data_tmp", "y"), link("..data_tmp_", "x")]),
            steps: ["replace ..data_tmp through ..data_tmp__", "set /"]),
    ]

    @Test(arguments: changes) func oneBecomesAnother(_ change: Change) throws {
        var state = ProjectionState()
        if let from = change.from {
            try from.check()
            state.steps(to: from).forEach { state.take($0) }
        }
        try change.to.check()
        let steps = state.steps(to: change.to)
        #expect(steps.map(Self.words) == change.steps)
        steps.forEach { state.take($0) }
        #expect(state.steps(to: change.to) == [])
    }

    /// After a step that failed: nobody is led to what is not whole.
    @Test func whatWasLeftHalfWayIsMadeWholeFirst() throws {
        var state = ProjectionState()
        state.steps(to: Self.written("1", ["a": "x"])).forEach { state.take($0) }
        let next = Self.written("2", ["a": "y"])
        state.steps(to: next).prefix(1).forEach { state.take($0) }
        #expect(
            state.steps(to: next).map(Self.words) == [
                "replace ..2/a through ..data_tmp", "set /..2", "replace ..data through ..data_tmp", "unlink ..1/a",
                "rmdir ..1", "set /",
            ])
    }

    /// Whatever was there, and wherever somebody stopped: the steps lead to what is wanted, and none is impossible.
    @Test func anyBecomesAnyOther() throws {
        var random = SeededGenerator(seed: 42)
        var state = ProjectionState()
        for _ in 0..<2000 {
            let snapshot = Self.random(using: &random)
            try snapshot.check()
            let steps = state.steps(to: snapshot)
            let stop =
                Int.random(in: 0...4, using: &random) == 0 ? Int.random(in: 0...steps.count, using: &random) : nil
            for step in steps.prefix(stop ?? steps.count) {
                try Self.checkPossible(step, in: state)
                state.take(step)
            }
            guard stop == nil else { continue }
            #expect(state.entries == Dictionary(snapshot.entries.map { ($0.path, $0) }, uniquingKeysWith: { $1 }))
        }
    }

    private static func random(using random: inout SeededGenerator) -> ProjectionSnapshot {
        let names = ["..data", "..1", "..2", "a", "-b", "..data_tmp"]
        func time() -> Int64 { Int64.random(in: 1...2, using: &random) }
        var snapshot = ProjectionSnapshot(entries: [directory("", time: time())])
        var parents = [""]
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            let parent = parents.randomElement(using: &random) ?? ""
            let path = parent + (parent.isEmpty ? "" : "/") + (names.randomElement(using: &random) ?? "")
            guard !snapshot.entries.contains(where: { $0.path == Array(path.utf8) }) else { continue }
            switch Int.random(in: 0...2, using: &random) {
            case 0:
                parents.append(path)
                snapshot.entries.append(directory(path, time: time()))
            case 1: snapshot.entries.append(file(path, "\(time())", time: time()))
            default: snapshot.entries.append(link(path, "\(time())", time: time()))
            }
        }
        return snapshot
    }

    private static func checkPossible(_ step: ProjectionStep, in state: ProjectionState) throws {
        func kind(_ path: [UInt8]) -> ProjectionKind? { state.entries[path]?.kind }
        func parent(_ path: [UInt8]) -> ProjectionKind? { kind(ProjectionEntry(path: path).parent) }
        switch step {
        case .makeDirectory(let path): #expect(kind(path) == nil && parent(path) == .directory, "\(words(step))")
        case .make(let entry):
            #expect(kind(entry.path) == nil && parent(entry.path) == .directory, "\(words(step))")
        case .replace(let entry, let temporary):
            #expect(kind(entry.path) != .directory && parent(entry.path) == .directory, "\(words(step))")
            #expect(!state.entries.values.contains { $0.name == temporary }, "\(words(step))")
        case .setAttributes(let entry): #expect(kind(entry.path) == .directory, "\(words(step))")
        case .remove(let path, let isDirectory):
            #expect(isDirectory == (kind(path) == .directory) && kind(path) != nil, "\(words(step))")
            #expect(!state.entries.values.contains { $0.parent == path && !$0.path.isEmpty }, "\(words(step))")
        }
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let name: String
        let snapshot: ProjectionSnapshot
        /// Nil: it is none.
        var error: ProjectionError?
        init(_ name: String, _ entries: [ProjectionEntry], _ error: ProjectionError?) {
            (self.name, snapshot, self.error) = (name, ProjectionSnapshot(entries: entries), error)
        }
        var testDescription: String { name }
    }

    private static func path(_ text: String) -> [UInt8] { Array(text.utf8) }
    private static let top = directory("")

    private static func times(_ count: Int) -> [ProjectionEntry] {
        (0..<count).map { link("\($0)", "x") }
    }

    private static func deep(_ depth: Int) -> [ProjectionEntry] {
        (1...depth).map { directory([String](repeating: "d", count: $0).joined(separator: "/")) }
    }

    static let wrong = [
        Wrong("empty", [top], nil), Wrong("nothing", [], .noDirectory), Wrong("a file", [file("", "x")], .noDirectory),
        Wrong("no top", [directory("a")], .noDirectory), Wrong("a second top", [top, top], .misplaced([])),
        Wrong("many", [top] + times(256), nil), Wrong("too many", [top] + times(257), .tooManyEntries),
        Wrong("large", [top, file("a", String(repeating: "x", count: 1 << 20))], nil),
        Wrong("too large", [top, file("a", String(repeating: "x", count: 1 << 20)), link("b", "x")], .tooLarge),
        Wrong("deep", [top] + deep(32), nil), Wrong("too deep", [top] + deep(33), .tooDeep),
        Wrong("a long name", [top, file(String(repeating: "n", count: 255), "")], nil),
        Wrong(
            "too long a name", [top, file(String(repeating: "n", count: 256), "")],
            .badName(path(String(repeating: "n", count: 256)))),
        Wrong("dots", [top, directory("..")], .badName(path(".."))),
        Wrong("a dot", [top, link(".", "x")], .badName(path("."))),
        Wrong("dots below", [top, directory("a"), file("a/..", "")], .badName(path("a/.."))),
        Wrong("an absolute path", [top, file("/etc", "")], .badName(path("/etc"))),
        Wrong("a slash at the end", [top, directory("a"), directory("a/")], .badName(path("a/"))),
        Wrong("two slashes", [top, directory("a"), file("a//b", "")], .badName(path("a//b"))),
        Wrong("a NUL", [top, file("a\0b", "")], .badName(path("a\0b"))),
        Wrong("twice", [top, file("a", ""), link("a", "x")], .misplaced(path("a"))),
        Wrong("below nothing", [top, file("a/b", "")], .misplaced(path("a/b"))),
        Wrong("below a file", [top, file("a", ""), file("a/b", "")], .misplaced(path("a/b"))),
        Wrong("below a link", [top, link("a", "/"), file("a/b", "")], .misplaced(path("a/b"))),
        Wrong("before its directory", [top, file("a/b", ""), directory("a")], .misplaced(path("a/b"))),
        Wrong("a link to nowhere", [top, link("a", "")], .badName(path("a"))),
        Wrong("a link with a NUL", [top, link("a", "x\0")], .badName(path("a"))),
        Wrong("a link that is too long", [top, link("a", String(repeating: "x", count: 4096))], .badName(path("a"))),
        Wrong("a link that climbs", [top, link("a", "../../../etc/passwd")], nil),
        Wrong("a mode with a type", [top, file("a", "", mode: 0o100644)], .misplaced(path("a"))),
        Wrong(
            "a directory with content", [top, ProjectionEntry(path: path("a"), kind: .directory, content: [1])],
            .misplaced(path("a"))),
    ]

    @Test(arguments: wrong) func whatIsNoneIsSaid(_ row: Wrong) throws {
        if let error = row.error {
            #expect(throws: error) { try row.snapshot.check() }
        } else {
            try row.snapshot.check()
        }
    }

    @Test func timesAreChecked() throws {
        // UTIME_NOW of utimensat(2), among others.
        for nanoseconds: UInt32 in [1_000_000_000, (1 << 30) - 1, .max] {
            var entry = Self.file("a", "")
            entry.modifiedNanoseconds = nanoseconds
            #expect(throws: ProjectionError.misplaced([97])) {
                try ProjectionSnapshot(entries: [Self.top, entry]).check()
            }
        }
    }

    @Test func theLargestFitsIntoAMessage() throws {
        let name = String(repeating: "n", count: 254)
        let directories = (1..<16).map { Self.directory([String](repeating: name, count: $0).joined(separator: "/")) }
        let deepest = [String](repeating: name, count: 15).joined(separator: "/")
        let files = (0..<240).map { Self.file("\(deepest)/\($0)", String(repeating: "x", count: 4096)) }
        var request = ProjectRequest()
        request.snapshot = ProjectionSnapshot(entries: [Self.top] + directories + files)
        try request.snapshot.check()
        let bytes = try Protobuf.encode(request)
        #expect(bytes.count < 4 << 20)
        #expect(try Protobuf.decode(ProjectRequest.self, from: bytes) == request)
    }
}
