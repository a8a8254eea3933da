import Testing

@testable import NearestName

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("name", "nmae", 1), ("abc", "abc", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abd", 1), ("ab", "ba", 1),
        ("abc", "ab", 1), ("kitten", "sitting", 3), ("ca", "abc", 3), ("abcdef", "badcfe", 3),
    ]) func countsSlips(_ left: String, _ right: String, _ distance: Int) {
        #expect(NearestName.distance(Array(left.utf8), Array(right.utf8)) == distance)
        #expect(NearestName.distance(Array(right.utf8), Array(left.utf8)) == distance)
    }

    @Test(
        arguments: [
            ("NAME", "name"), ("memroy", "memory"), ("x", nil), ("me", nil), ("", nil), ("entrypiont", "entrypoint"),
            ("vol", "volume"), (String(repeating: "volume", count: 100_000), nil),
        ] as [(String, String?)]) func findsTheNearestName(_ typed: String, _ expected: String?)
    {
        #expect(NearestName.find(typed, among: ["name", "memory", "entrypoint", "volume", "rm"]) == expected)
    }
}
