import CommandTree
import Testing

@Suite struct DurationValueTests {
    @Test(arguments: [
        ("0", Duration.zero), ("30s", .seconds(30)), ("1m30s", .seconds(90)), ("1.5h", .seconds(5400)),
        ("500ms", .milliseconds(500)), ("1us", .microseconds(1)),
    ]) func whatIsOneIsRead(_ text: String, _ duration: Duration) throws {
        #expect(try DurationValue.parse(text) == duration)
    }

    @Test(arguments: ["", "30", "-1s", "s", "1x", "1h ", "99999999999999h", "0x1s"]) func whatIsNoneIsRefused(
        _ text: String
    ) {
        #expect(throws: ValueError.self) { try DurationValue.parse(text) }
    }
}
