import AgentAPI
import SeededRandom
import Testing

@testable import Monitor

/// What of a container's words gets to the host's service manager.
@Suite struct NotifyMessageTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var datagram: String
        /// Nil: nothing.
        var told: String?
        var testDescription: String { String(datagram.debugDescription.prefix(100)) }
        init(_ datagram: String, _ told: String?) { (self.datagram, self.told) = (datagram, told) }
    }

    private static let letters = String(repeating: "a", count: 600)

    @Test(arguments: [
        Row("READY=1", "READY=1\nMAINPID=42"),
        Row("READY=1\n", "READY=1\nMAINPID=42"),
        Row("\n\nREADY=1\n\n", "READY=1\nMAINPID=42"),
        // Whose the main process is the host says.
        Row("MAINPID=1", nil),
        Row("MAINPID=1\nREADY=1\nMAINPID=2", "READY=1\nMAINPID=42"),
        Row("STATUS=x\rMAINPID=1", "STATUS=xMAINPID=1"),
        Row("STOPPING=1", "STOPPING=1"),
        Row("RELOADING=1\nMONOTONIC_USEC=5", "RELOADING=1\nMONOTONIC_USEC=77"),
        Row("WATCHDOG=1", "WATCHDOG=1"),
        Row("WATCHDOG=trigger", "WATCHDOG=trigger"),
        Row(
            "ERRNO=2\nBUSERROR=org.freedesktop.DBus.Error.TimedOut",
            "ERRNO=2\nBUSERROR=org.freedesktop.DBus.Error.TimedOut"),
        Row("EXTEND_TIMEOUT_USEC=5000000", "EXTEND_TIMEOUT_USEC=5000000"),
        // In their order, and each once: the first that is one.
        Row("STATUS=b\nREADY=1\nSTATUS=c\nREADY=1", "READY=1\nMAINPID=42\nSTATUS=b"),
        Row("ERRNO=x\nERRNO=3\nERRNO=4", "ERRNO=3"),
        Row("STATUS=\nSTATUS=later", "STATUS="),
        // Others' words.
        Row("", nil), Row("\n", nil), Row("=", nil), Row("=1", nil), Row("READY", nil), Row("ready=1", nil),
        Row(" READY=1", nil), Row("READY =1", nil), Row("XREADY=1", nil), Row("READY=1\0", nil), Row("\0READY=1", nil),
        Row("FDSTORE=1\nFDNAME=x\nFDSTOREREMOVE=1\nFDPOLL=0", nil), Row("BARRIER=1", nil), Row("EXIT_STATUS=0", nil),
        Row("WATCHDOG_USEC=1\nNOTIFYACCESS=all\nMAINPIDFDID=3\nX_ANY=1", nil),
        // Values that are none.
        Row("READY=0", nil), Row("READY=", nil), Row("READY=11", nil), Row("READY=1 ", nil), Row("RELOADING=2", nil),
        Row("STOPPING=yes", nil), Row("WATCHDOG=", nil), Row("WATCHDOG=triggered", nil), Row("WATCHDOG=2", nil),
        Row("ERRNO=", nil), Row("ERRNO=-1", nil), Row("ERRNO=+1", nil), Row("ERRNO=4096", nil), Row("ERRNO=0x5", nil),
        Row("ERRNO=4095", "ERRNO=4095"), Row("ERRNO=0", "ERRNO=0"), Row("ERRNO=007", "ERRNO=7"),
        Row("ERRNO=٣", nil), Row("ERRNO=\(String(repeating: "0", count: 20))1", nil),
        Row("EXTEND_TIMEOUT_USEC=0", nil), Row("EXTEND_TIMEOUT_USEC=86400000001", nil),
        Row("EXTEND_TIMEOUT_USEC=86400000000", "EXTEND_TIMEOUT_USEC=86400000000"),
        Row("EXTEND_TIMEOUT_USEC=18446744073709551616", nil), Row("EXTEND_TIMEOUT_USEC=99999999999999999999999", nil),
        Row("BUSERROR=", nil), Row("BUSERROR=error", nil), Row("BUSERROR=a..b", nil), Row("BUSERROR=.a.b", nil),
        Row("BUSERROR=a.1b", nil), Row("BUSERROR=a.b c", nil), Row("BUSERROR=a.é", nil),
        Row("BUSERROR=_.b1", "BUSERROR=_.b1"),
        Row("BUSERROR=a.\(letters)", nil),
        Row("BUSERROR=a.\(letters.prefix(253))", "BUSERROR=a.\(letters.prefix(253))"),
        // A status is a line, and its length is bounded.
        Row("STATUS=two words = one", "STATUS=two words = one"),
        Row("STATUS=\u{1B}[31mred\u{7}\t\u{0}\u{9B}end", "STATUS=[31mredend"),
        Row("STATUS=a\u{202E}b\u{2028}c\u{2029}d\u{200B}e\u{E000}f", "STATUS=abcdef"),
        Row("STATUS=Grüße, 日本", "STATUS=Grüße, 日本"),
        Row("STATUS=" + letters, "STATUS=" + letters.prefix(512)),
        Row("STATUS=" + letters.prefix(511) + "é!", "STATUS=" + letters.prefix(511)),
        Row("READY=1\nSTATUS=" + letters + letters + letters, "READY=1\nMAINPID=42\nSTATUS=" + letters.prefix(512)),
    ]) func whatIsToldIsWhatMayBe(_ row: Row) {
        let message = NotifyMessage(Array(row.datagram.utf8))
        #expect(message?.text(process: 42, microseconds: 77) == row.told)
    }

    @Test func whatIsNoTextIsReplaced() {
        let message = NotifyMessage(Array("STATUS=a".utf8) + [0xFF, 0xC3] + Array("b".utf8))
        #expect(message?.text(process: 1, microseconds: 1) == "STATUS=a\u{FFFD}\u{FFFD}b")
    }

    @Test func whatIsTooLongIsNothing() {
        let ready = Array("READY=1\nX=".utf8)
        #expect(NotifyMessage(ready + [UInt8](repeating: 65, count: 4096 - ready.count)) != nil)
        #expect(NotifyMessage(ready + [UInt8](repeating: 65, count: 4097 - ready.count)) == nil)
    }
}

@Suite struct NotifyMessageFuzzTests {
    private static let words: [String] = [
        "READY=1", "MAINPID=1", "STATUS=", "STOPPING=1", "RELOADING=1", "ERRNO=", "BUSERROR=a.b", "WATCHDOG=",
        "FDSTORE=1",
        "EXTEND_TIMEOUT_USEC=", "\n", "\n", "\n", "=", "1", "trigger", "\0", "\r", "\u{1B}", "\u{2028}", "99999999999",
    ]
    private static let keys = [
        "READY", "MAINPID", "RELOADING", "MONOTONIC_USEC", "STOPPING", "STATUS", "ERRNO", "BUSERROR", "WATCHDOG",
        "EXTEND_TIMEOUT_USEC",
    ]

    private static func datagram(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...60, using: &random) {
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                bytes += (0..<Int.random(in: 1...40, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            case 1:
                bytes += [UInt8](
                    repeating: .random(in: 0...255, using: &random), count: .random(in: 0...900, using: &random))
            default: bytes += Array((words.randomElement(using: &random) ?? "").utf8)
            }
        }
        return bytes
    }

    /// Whatever comes, each line that goes out is one of those that may, said once, and the host's numbers are the host's.
    @Test(arguments: 1...400) func nothingElseIsTold(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            guard let message = NotifyMessage(Self.datagram(&random)) else { continue }
            let text = message.text(process: 4711, microseconds: 99)
            #expect(text.utf8.count <= 1024)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            var seen: [Substring] = []
            for line in lines {
                let key = try #require(line.split(separator: "=", omittingEmptySubsequences: false).first)
                #expect(Self.keys.contains(String(key)) && !seen.contains(key), "\(line.debugDescription)")
                seen.append(key)
                if key == "MAINPID" { #expect(line == "MAINPID=4711" && seen.contains("READY")) }
                if key == "MONOTONIC_USEC" { #expect(line == "MONOTONIC_USEC=99" && seen.contains("RELOADING")) }
                let isReadable = line.unicodeScalars.allSatisfy {
                    ![.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
                }
                #expect(isReadable, "\(line.debugDescription)")
            }
            #expect(seen.contains("READY") == seen.contains("MAINPID"))
        }
    }
}
