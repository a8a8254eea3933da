import CommandTree
import Testing

/// A row of a table: a text and what it is read as; nil where it is refused.
struct ValueRow<Value: Sendable & Equatable>: Sendable, CustomTestStringConvertible {
    var text: String
    var value: Value?
    var testDescription: String { "\"\(text)\"" }

    init(_ text: String, _ value: Value?) {
        self.text = text
        self.value = value
    }

    func check(_ parse: (String) throws(ValueError) -> Value) {
        do {
            let read = try parse(text)
            #expect(read == value)
        } catch {
            #expect(value == nil, "\(error)")
            #expect(!error.description.contains("\n") && error.description.utf8.count < 500)
        }
    }
}

@Suite struct NumberValueTests {
    @Test(
        arguments: [
            .init("0", 0), .init("1024", 1024), .init("1b", 1), .init("1B", 1), .init("32k", 32768),
            .init("32K", 32768),
            .init("32kb", 32768), .init("32KiB", 32768), .init("512m", 536_870_912), .init("1 g", 1 << 30),
            .init("1.5GiB", 1_610_612_736), .init("2t", 1 << 41), .init("3P", 3 << 50), .init(".5k", 512),
            .init("1.k", 1024), .init("1.9", 1), .init("0.1k", 102), .init("007k", 7168),
            .init("9223372036854775807", Int64.max), .init("9223372036854775808", nil), .init("8191p", 8191 << 50),
            .init("8192p", nil), .init("99999999999999999999999", nil), .init("16383.999999999999999999p", nil),
            .init("0.0000000000000000000000000001p", 0), .init("1.000000000000000000999p", 1 << 50),
            .init("", nil), .init(" ", nil), .init("b", nil), .init("k", nil), .init(".", nil), .init(".k", nil),
            .init("-1", nil), .init("+1", nil), .init("1  k", nil), .init(" 1k", nil), .init("1k ", nil),
            .init("1e3", nil), .init("1ib", nil), .init("1kbb", nil), .init("1kibb", nil), .init("1kb1", nil),
            .init("1e", nil), .init("1.2.3k", nil), .init("1,5k", nil), .init("0x10", nil), .init("1\u{212A}", nil),
            .init("\u{661}k", nil),
        ] as [ValueRow<Int64>]) func size(_ row: ValueRow<Int64>)
    { row.check(ByteSize.parse) }

    @Test(
        arguments: [
            .init("1", 1_000_000_000), .init("1.5", 1_500_000_000), .init(".5", 500_000_000), .init("0.01", 10_000_000),
            .init("0", 0), .init("0.000", 0), .init("2.000000000000000000000", 2_000_000_000),
            .init("1.000000001", 1_000_000_001), .init("8192", 8_192_000_000_000), .init("8192.000000001", nil),
            .init("8193", nil), .init("0.009999999", nil), .init("1.0000000001", nil),
            .init("18446744073709551615", nil),
            .init("18446744073709551616", nil), .init("", nil), .init("-1", nil), .init("1/2", nil), .init("1e1", nil),
            .init("two", nil), .init("1 ", nil), .init("1.5.", nil),
        ] as [ValueRow<Int64>]) func processors(_ row: ValueRow<Int64>)
    {
        row.check { text throws(ValueError) in try CPULimit.parse(text).nanoCPUs }
    }

    @Test(
        arguments: [
            .init("KILL", 9), .init("SIGKILL", 9), .init("sigkill", 9), .init("Term", 15), .init("9", 9),
            .init("09", 9),
            .init("64", 64), .init("33", 33), .init("HUP", 1), .init("SYS", 31), .init("STKFLT", 16), .init("CLD", 17),
            .init("IOT", 6), .init("SIGPOLL", 29), .init("RTMIN", 34), .init("RTMIN+3", 37), .init("SIGRTMIN+30", 64),
            .init("rtmax-1", 63), .init("RTMAX", 64), .init("RTMAX-30", 34), .init("0", nil), .init("65", nil),
            .init("99999999999", nil), .init("-9", nil), .init("+9", nil), .init("", nil), .init("SIG", nil),
            .init("SIGSIGKILL", nil), .init("SIG9", nil), .init("KILLED", nil), .init("RTMIN+31", nil),
            .init("RTMIN-1", nil), .init("RTMIN+", nil), .init("RTMIN++1", nil), .init("RTMAX+1", nil),
            .init("RTMIN+9999999999", nil), .init("9 ", nil), .init("\u{212A}ILL", nil),
        ] as [ValueRow<Int32>]) func signal(_ row: ValueRow<Int32>)
    { row.check(SignalName.parse) }

    @Test func everySignalNameLeadsBack() throws {
        for number in Int32(-1)...66 {
            guard let name = SignalName.name(of: number) else {
                #expect(number < 1 || number > 64 || number == 32 || number == 33)
                continue
            }
            #expect(try SignalName.parse(name) == number)
        }
        #expect(SignalName.name(of: 9) == "SIGKILL")
        #expect(SignalName.name(of: 37) == "SIGRTMIN+3")
        #expect(SignalName.name(of: .min) == nil)
    }

    @Test(
        arguments: [
            .init("nofile=1024", ["nofile", "1024", "1024"]), .init("nofile=1024:2048", ["nofile", "1024", "2048"]),
            .init("core=-1", ["core", "-1", "-1"]), .init("core=0:unlimited", ["core", "0", "-1"]),
            .init("memlock=infinity:-1", ["memlock", "-1", "-1"]), .init("stack=5:5", ["stack", "5", "5"]),
            .init("cpu=9223372036854775807", ["cpu", "9223372036854775807", "9223372036854775807"]),
            .init("cpu=9223372036854775808", nil), .init("nofile=2:1", nil), .init("nofile=-1:5", nil),
            .init("nofile=-2", nil), .init("nofile", nil), .init("nofile=", nil), .init("nofile=:", nil),
            .init("nofile=1:", nil), .init("nofile=:1", nil), .init("nofile=1:2:3", nil), .init("nofile=1k", nil),
            .init("=1", nil), .init("as=1", nil), .init("NOFILE=1", nil), .init("nofiles=1", nil), .init("", nil),
            .init("nofile=1=2", nil),
        ] as [ValueRow<[String]>]) func ulimit(_ row: ValueRow<[String]>)
    {
        row.check { text throws(ValueError) in
            let value = try UlimitValue.parse(text)
            return [value.name, String(value.soft), String(value.hard)]
        }
    }

    @Test(
        arguments: [
            .init("K=V", KeyValue(key: "K", value: "V")), .init("K=", KeyValue(key: "K", value: "")),
            .init("K", KeyValue(key: "K", value: nil)), .init("K=a=b", KeyValue(key: "K", value: "a=b")),
            .init("A B=\n", KeyValue(key: "A B", value: "\n")),
            .init("K=\u{301}", KeyValue(key: "K", value: "\u{301}")),
            .init("", nil), .init("=V", nil), .init("=", nil), .init("K=a\0b", nil),
        ] as [ValueRow<KeyValue>]) func setting(_ row: ValueRow<KeyValue>)
    { row.check(KeyValue.parse) }

    @Test(
        arguments: [
            (ValueError.malformed(what: "size", value: "x\n", expected: "1k"), "invalid size \"x\\u{a}\": expected 1k"),
            (.outOfRange(what: "size", value: "9", allowed: "up to 8"), "size \"9\" is out of range: up to 8"),
            (
                .unknownName(what: "signal", value: "KLIL", known: ["KILL"]),
                "unknown signal \"KLIL\": did you mean KILL?"
            ),
            (.unknownName(what: "type", value: "?", known: ["a", "b"]), "unknown type \"?\": there is a and b"),
            (.unsupported(what: "type", value: "a", instead: "use b"), "type \"a\" is not supported yet: use b"),
        ] as [(ValueError, String)]) func errorsAreOneLine(_ error: ValueError, _ text: String)
    {
        #expect(error.description == text)
    }
}
