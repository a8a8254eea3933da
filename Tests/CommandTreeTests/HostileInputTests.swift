import CommandTree
import SeededRandom
import Testing

/// Whatever is typed leads to a value or to an error of one line, in linear time.
@Suite struct HostileInputTests {
    static let pieces = [
        "run", "exec", "image", "pull", "help", "--", "-", "--help", "-h", "--name", "--name=", "-e", "-it", "-itv",
        "--rm=x", "--rm=1", "=", "==", "--=", "---", "", "a", "\u{301}", "\u{1F600}", "\0", "\n", "\u{202E}",
        "-\u{301}",
        "type=bind", ",", "\"", "src=/a", "dst=/b", ":", "/", "/a", "..", "./", "ro", "%", "size=", "mode=",
        "tmpfs-size=",
        "9", "99999999999999999999", "0", "1", ".", "-1", "k", "g", "ib", "h", "ms", "\u{B5}s", "RTMIN", "+", "SIG",
        "nofile", "unlimited", " ", "#", "A", "\r\n", "\u{FEFF}", "\u{212A}",
    ]

    static let valid = [
        "type=bind,src=/a,dst=/b", "type=tmpfs,dst=/b,tmpfs-size=1", "/a:/b:ro", "nofile=1:2", "1.5", "1h", "RTMIN+",
        "/dev/a:/dev/b:rw", "0-2,4", "max-size=1m,max-file=3",
    ]

    static func text(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...6, using: &generator) { text += pieces.randomElement(using: &generator) ?? "" }
        return text
    }

    @Test func anyArgumentsGiveAnOutcomeOrAnErrorOfOneLine() {
        var generator = SeededGenerator(seed: 1)
        var invocations = 0
        var errors = 0
        for _ in 0..<5000 {
            var line: [String] = Bool.random(using: &generator) ? ["run"] : []
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                line.append(
                    Bool.random(using: &generator)
                        ? Self.pieces.randomElement(using: &generator) ?? "" : Self.text(&generator))
            }
            do {
                switch try SampleTree.root.parse(line) {
                case .invoke(let invocation):
                    #expect(SampleTree.root.command(at: invocation.path) != nil)
                    invocations += 1
                case .help(let path, _): #expect(!SampleTree.root.helpText(for: path).isEmpty)
                }
            } catch {
                #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
                #expect(error.description.utf8.count < 1500)
                errors += 1
            }
        }
        #expect(invocations > 300 && errors > 300)
    }

    @Test func anyValueIsReadOrRefused() {
        var generator = SeededGenerator(seed: 2)
        let parsers: [(String) throws -> Void] = [
            { _ = try ByteSize.parse($0) },
            { _ = try CPULimit.parse($0) },
            { _ = try UlimitValue.parse($0) },
            { _ = try KeyValue.parse($0) },
            { _ = try SignalName.parse($0) },
            { _ = try MountRequest.parse(volume: $0) },
            { _ = try MountRequest.parse(mount: $0) },
            { _ = try TmpfsRequest.parse($0) },
            { _ = try DeviceRequest.parse($0) },
            { _ = try ProcessorList.parse($0) },
            { _ = try StopTime.parse($0) },
            { _ = try LogOption.parse($0) },
        ]
        var read = [Int](repeating: 0, count: parsers.count)
        for round in 0..<2000 {
            let start = round % 2 == 0 ? Self.valid.randomElement(using: &generator) ?? "" : ""
            let text = start + Self.text(&generator)
            for (index, parse) in parsers.enumerated() {
                do {
                    try parse(text)
                    read[index] += 1
                } catch {
                    let description = (error as? ValueError)?.description ?? "\n"
                    #expect(description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
                    #expect(description.utf8.count < 1500)
                }
            }
            _ = try? EnvironmentFile.parse(Array(text.utf8))
        }
        #expect(read.allSatisfy { $0 > 0 }, "\(read)")
    }

    @Test func anyBytesAreAnEnvironmentFileOrAnError() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<5000 {
            let count = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<count).map { _ in
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator)
                    : Array("A=\n\r #".utf8).randomElement(using: &generator) ?? 0
            }
            do {
                let settings = try EnvironmentFile.parse(bytes)
                #expect(settings.allSatisfy { !$0.key.isEmpty && !$0.key.contains("=") })
            } catch {
                let lines = bytes.count { $0 == 0x0A } + 1
                #expect((1...lines).contains(error.line))
            }
        }
    }

    /// 256 KiB each: what is quadratic would not end within the test run's patience.
    @Test(.timeLimit(.minutes(1))) func hugeArgumentsCostLinearTime() throws {
        let size = 1 << 18
        let huge = String(repeating: "x", count: size)
        let marks = String(repeating: "\u{301}", count: size / 2)
        for text in [
            huge, marks, String(repeating: ":", count: size), String(repeating: ",", count: size),
            String(repeating: "9", count: size), "0." + String(repeating: "9", count: size),
            String(repeating: "\"", count: size), String(repeating: "/..", count: size / 3),
            "/a:" + String(repeating: "ro,", count: size / 3),
        ] {
            for line in [
                [text], ["run", "--" + text], ["run", "-" + text], ["run", "--rm=" + text],
                ["run", "--pull", text], ["version", text], ["help", text], ["run", "--" + text + "=" + text],
            ] {
                let error = #expect(throws: UsageError.self) { try SampleTree.root.parse(line) }
                #expect((error?.description.utf8.count ?? .max) < 1500)
            }
            _ = try? ByteSize.parse(text)
            _ = try? CPULimit.parse(text)
            _ = try? UlimitValue.parse("nofile=" + text)
            _ = try? SignalName.parse(text)
            _ = try? MountRequest.parse(volume: text)
            _ = try? MountRequest.parse(mount: text)
            _ = try? TmpfsRequest.parse(text)
        }
        let cluster = "-" + String(repeating: "i", count: size)
        guard case .invoke(let invocation) = try SampleTree.root.parse(["run", cluster, "img"]) else {
            Issue.record("no invocation")
            return
        }
        #expect(invocation.arguments.given.count == size)
    }
}
