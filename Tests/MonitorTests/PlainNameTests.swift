import AgentAPI
import Testing

@Suite struct PlainNameTests {
    @Test(arguments: [
        ("a", true), ("web-1_x.Y9", true), ("a+b", true), (String(repeating: "a", count: 128), true), ("", false),
        (".", false),
        ("..", false), (".a", false), ("a/b", false), ("a b", false), ("a:b", false), ("é", false),
        (String(repeating: "a", count: 129), false),
    ]) func namesBecomeDirectoriesOnlyWhenPlain(_ name: String, _ isPlain: Bool) {
        #expect(PlainName.isPlain(name, maximumBytes: 128) == isPlain)
    }
}
