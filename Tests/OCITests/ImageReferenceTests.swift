import SeededRandom
import Testing

@testable import OCI

@Suite struct ImageReferenceTests {
    static let hash = String(repeating: "0123456789abcdef", count: 4)
    static let sha = "sha256:" + hash

    @Test(arguments: [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("foo/bar", "docker.io/foo/bar:latest"),
        ("foo/bar/baz:v1", "docker.io/foo/bar/baz:v1"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("docker.io/library/busybox", "docker.io/library/busybox:latest"),
        ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
        ("quay.io/a/b:c", "quay.io/a/b:c"),
        ("quay.io/a", "quay.io/a:latest"),
        ("host:5000/x", "host:5000/x:latest"),
        ("host:5000/x/y:t", "host:5000/x/y:t"),
        ("localhost/x", "localhost/x:latest"),
        // Without a slash it is a name and a tag, as Docker reads it.
        ("localhost:5000", "docker.io/library/localhost:5000"),
        ("Example/x", "Example/x:latest"),
        ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ("[fe80::A]/x", "[fe80::A]/x:latest"),
        ("127.0.0.1/x", "127.0.0.1/x:latest"),
        (String(repeating: "r", count: 247), "docker.io/library/\(String(repeating: "r", count: 247)):latest"),
        ("a.b_c__d---e", "docker.io/library/a.b_c__d---e:latest"),
        ("x:_Tag.-1", "docker.io/library/x:_Tag.-1"),
        ("busybox@" + sha, "docker.io/library/busybox@" + sha),
        ("quay.io/a/b:c@" + sha, "quay.io/a/b:c@" + sha),
        (hash + "a", "docker.io/library/\(hash)a:latest"),
        (hash + "/x", "docker.io/\(hash)/x:latest"),
    ]) func completesNames(_ text: String, _ complete: String) throws {
        let reference = try ImageReference(text)
        #expect(reference.description == complete)
        #expect(try ImageReference(complete) == reference)
    }

    struct BadRow: Sendable, CustomTestStringConvertible {
        var text: String, error: ImageReferenceError
        var testDescription: String { text }

        init(_ text: String, _ error: ImageReferenceError) {
            self.text = text
            self.error = error
        }

        init(_ text: String, _ part: ImageReferenceError.Part, _ wrong: String, _ problem: String) {
            self.init(text, .invalid(part: part, text: wrong, problem: problem))
        }
    }

    static let characters = "has a character other than a-z, 0-9, ., _ and -"

    @Test(arguments: [
        BadRow("", .empty),
        BadRow(hash, .isIdentifier),
        BadRow(":tag", .repository, "", "is empty"),
        BadRow("a//b", .repository, "a//b", "a part between slashes is empty"),
        BadRow("a/b/", .repository, "a/b/", "a part between slashes is empty"),
        BadRow("/a", .repository, "/a", "a part between slashes is empty"),
        BadRow("quay.io/", .repository, "", "is empty"),
        BadRow("Busybox", .repository, "Busybox", "must be lowercase"),
        BadRow("docker.io/BAD:1", .repository, "BAD", "must be lowercase"),
        BadRow("library/BAD", .repository, "library/BAD", "must be lowercase"),
        BadRow("quay.io/A", .repository, "A", "must be lowercase"),
        BadRow("-a", .repository, "-a", "a part begins with a separator"),
        BadRow("a-", .repository, "a-", "a part ends with a separator"),
        BadRow("a..b", .repository, "a..b", "separators are ., _, __ or dashes"),
        BadRow("a___b", .repository, "a___b", "separators are ., _, __ or dashes"),
        BadRow("a/../b", .repository, "a/../b", "a part begins with a separator"),
        BadRow("a b", .repository, "a b", characters),
        BadRow("bücher", .repository, "bücher", characters),
        BadRow("a/b:c/d", .repository, "a/b:c/d", characters),
        BadRow("a:", .tag, "", "is empty"),
        BadRow("a:.x", .tag, ".x", "begins with a character other than a letter, a digit or _"),
        BadRow("a:x!", .tag, "x!", "has a character other than a-z, A-Z, 0-9, ., _ and -"),
        BadRow("a:" + String(repeating: "t", count: 129), .tooLong(part: .tag, bytes: 129, limit: 128)),
        // With what is prepended there are 256.
        BadRow(String(repeating: "r", count: 248), .tooLong(part: .repository, bytes: 248, limit: 247)),
        BadRow("a/" + String(repeating: "r", count: 254), .tooLong(part: .repository, bytes: 256, limit: 255)),
        BadRow(String(repeating: "h", count: 253) + ".io/a", .tooLong(part: .registry, bytes: 256, limit: 255)),
        BadRow(String(repeating: "a", count: 1025), .tooLong(part: .reference, bytes: 1025, limit: 1024)),
        BadRow("host:0/a", .registry, "host:0", "the port is not a number from 1 to 65535"),
        BadRow("host:65536/a", .registry, "host:65536", "the port is not a number from 1 to 65535"),
        BadRow("host:+1/a", .registry, "host:+1", "the port is not a number from 1 to 65535"),
        BadRow("a..b/c", .registry, "a..b", "not a host name"),
        BadRow("-a.b/c", .registry, "-a.b", "not a host name"),
        BadRow("[::g]/a", .registry, "[::g]", "not an IPv6 address"),
        BadRow("[]:1/a", .registry, "[]:1", "not an IPv6 address"),
        BadRow("https://quay.io/a", .registry, "https:", "the port is not a number from 1 to 65535"),
        BadRow("a@", .invalidDigest(.noAlgorithm)),
        BadRow("a@md5:00", .invalidDigest(.unknownAlgorithm("md5"))),
        BadRow("a@sha256:00", .invalidDigest(.wrongLength(algorithm: .sha256, digits: 2))),
    ]) func namesWhatIsWrong(_ row: BadRow) {
        #expect(throws: row.error) { try ImageReference(row.text) }
        #expect(!row.error.description.isEmpty)
    }

    @Test func changedNamesNeverTrapAndStayComplete() throws {
        let seeds = ["busybox", "quay.io/a/b:c@" + Self.sha, "[::1]:5000/x-y/z__a:t"]
        var generator = SeededGenerator(seed: 4)
        for round in 0..<6000 {
            let bytes = Mutation.ofBytes(seeds[round % seeds.count].bytes, using: &generator)
            guard let reference = try? ImageReference(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(try ImageReference(reference.description) == reference)
        }
    }
}
