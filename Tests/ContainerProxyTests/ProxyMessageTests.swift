import ContainerProxy
import SeededRandom
import Testing

@Suite struct ProxyMessageTests {
    @Test(arguments: [
        ProxyMessage.plan(Array("{}".utf8)), .plan([]), .exit(0), .exit(255), .ready, .failed("no such file"),
        .failed(""),
        .signal(1), .signal(64), .resized(columns: 80, rows: 24), .resized(columns: 0xFFFF, rows: 0),
    ])
    func isReadAsItWasWritten(_ message: ProxyMessage) {
        #expect(ProxyMessage(message.encoded) == message)
    }

    @Test func anAnswerHasABound() {
        let long = ProxyMessage.failed(String(repeating: "x", count: 10_000))
        #expect(long.encoded.count == ProxyMessage.maximumAnswerBytes)
    }

    @Test(arguments: ["", "X", "Xab", "S", "W123", "R1", "Q", "\0"]) func nonsenseIsNone(_ text: String) {
        #expect(ProxyMessage(Array(text.utf8)) == nil)
    }

    @Test func noBytesAreTooMuch() {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            guard let message = ProxyMessage(bytes) else { continue }
            // A reason need not be text.
            if case .failed = message { continue }
            #expect(message.encoded == bytes)
        }
    }

    @Test func aPlanIsReadAsItWasWritten() throws {
        var plan = ProxyPlan(name: "sh", root: "/r", uid: 1000, gid: 100)
        plan.binds = [.init("/a b", at: "/c", recursive: true, readOnly: false)]
        #expect(try ProxyPlan.decode(json: plan.encode()) == plan)
    }
}
