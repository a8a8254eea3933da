import CommandTree
import Testing

@Suite struct EnvironmentFileTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var content: String
        var settings: [String]
        var testDescription: String { content.debugDescription }
    }

    @Test(arguments: [
        Row(content: "", settings: []),
        Row(content: "A=1", settings: ["A=1"]),
        Row(content: "A=1\nB=2\n", settings: ["A=1", "B=2"]),
        Row(content: "A=1\r\nB=2\r\n", settings: ["A=1", "B=2"]),
        Row(content: "\n\n  \n\t\nA=1\n\n", settings: ["A=1"]),
        Row(content: "# no\n  # no\nA=1 # part of it", settings: ["A=1 # part of it"]),
        Row(content: "  A= 1 ", settings: ["A= 1 "]),
        Row(content: "A=\"x\"'y'$Z\\n", settings: ["A=\"x\"'y'$Z\\n"]),
        Row(content: "A=b=c\nA=", settings: ["A=b=c", "A="]),
        Row(content: "HOME\n  USER", settings: ["HOME", "USER"]),
        Row(content: "\u{FEFF}A=1", settings: ["A=1"]),
        Row(content: "A=\u{301}\u{1F600}", settings: ["A=\u{301}\u{1F600}"]),
        Row(
            content: "A=" + String(repeating: "x", count: 131_069),
            settings: [
                "A=" + String(repeating: "x", count: 131_069)
            ]),
    ]) func takesLinesAsTheyAre(_ row: Row) throws {
        let read = try EnvironmentFile.parse(Array(row.content.utf8))
        #expect(read.map { setting in setting.value.map { setting.key + "=" + $0 } ?? setting.key } == row.settings)
    }

    @Test(
        arguments: [
            (Array("A=1\n=2".utf8), 2, .noName), (Array("A B=1".utf8), 1, .blankInName("A B")),
            (Array("\n\nA =1".utf8), 3, .blankInName("A ")), (Array("HOME ".utf8), 1, .blankInName("HOME ")),
            (Array("A=\0".utf8), 1, .notText), ([0x41, 0x3D, 0xFF], 1, .notText), ([0x23, 0xFF], 1, .notText),
            ([0x41, 0x0A, 0xC3], 2, .notText),
            (Array(("\nA=" + String(repeating: "x", count: 131_070)).utf8), 2, .lineTooLong),
            ([UInt8](repeating: 0x0A, count: 1 << 20) + [0x41], 1, .fileTooLarge(bytes: 1_048_577)),
        ] as [([UInt8], Int, EnvironmentFileError.Problem)])
    func namesTheLineThatIsWrong(_ content: [UInt8], _ line: Int, _ problem: EnvironmentFileError.Problem) {
        let error = #expect(throws: EnvironmentFileError.self) { try EnvironmentFile.parse(content) }
        #expect(error?.line == line)
        #expect(error?.problem == problem)
        #expect(error?.description.contains("\n") == false)
    }
}
