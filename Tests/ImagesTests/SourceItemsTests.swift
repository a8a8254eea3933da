import OCI
import Testing

@testable import Images

/// Which images of an archive are meant, by what its own list says.
@Suite struct SourceItemsTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var json: String
        var selector: String?
        /// Selector and familiar names of each image, or the error's line.
        var expected: String
        var testDescription: String { "\(json.prefix(60)) \(selector ?? "")" }

        init(_ json: String, _ expected: String) { (self.json, self.expected) = (json, expected) }

        init(_ json: String, _ selector: String, _ expected: String) {
            self.init(json, expected)
            self.selector = selector
        }
    }

    private static func shown(_ items: [SourceContents.Item]) -> String {
        items.map { ($0.selector ?? "-") + "=" + StoredImage.familiar($0.names).joined(separator: ",") }
            .joined(separator: " ")
    }

    private static func unreadable(_ why: String) -> String {
        ImageError.unreadable("x.tar", why: why).description
    }

    private static func list(_ images: [String]...) -> String {
        "[" + images.map { "{\"RepoTags\":\($0)}" }.joined(separator: ",") + "]"
    }

    @Test(arguments: [
        Row(list(["a:1"]), "-=a:1"),
        Row(list(["a:1", "docker.io/library/a:1", "quay.io/b"]), "-=a:1,quay.io/b:latest"),
        Row(list(["a:1", "b:1"], ["c:1"], []), "@0=a:1,b:1 @1=c:1 @2="),
        Row(list(["a:1", "b:1"], ["c:1"]), "docker.io/library/b:1", "@0=b:1"),
        Row(list(["a:1"], ["a:1"]), "docker.io/library/a:1", "@1=a:1"),
        Row(list(["a:1", "A B"]), "docker.io/library/a:1", "-=a:1"),
        Row("[{}]", "-="),
        Row(#"[{"RepoTags":null,"Config":5}]"#, "-="),
        Row(list(["a:1"]), "docker.io/library/nope:latest", "x.tar has no image nope:latest: it has a:1"),
        Row(list([], []), "docker.io/library/nope:latest", "x.tar has no image nope:latest: none in it has a name"),
        Row(
            list((1...8).map { "a:\($0)" }), "quay.io/a:1",
            "x.tar has no image quay.io/a:1: it has a:1, a:2, a:3, a:4, a:5 and 3 more"),
        Row("[]", unreadable("no image in it")),
        Row("[]", "docker.io/library/a:1", unreadable("no image in it")),
        Row("null", unreadable("no image in it")),
        Row("{}", unreadable("manifest.json is no list of images")),
        Row("[5]", unreadable("manifest.json has something else than images")),
        Row(#"[{"RepoTags":"a:1"}]"#, unreadable("manifest.json has something else than images")),
        Row(#"[{"RepoTags":["a:1",1]}]"#, unreadable("manifest.json has a name that is no text")),
        Row(
            #"[{"RepoTags":["A\u001b[31m\n"]}]"#,
            unreadable("an image in it is called \"A?[31m?\", which is no image's name")),
        Row(
            list((0...1000).map { "a:\($0)" }),
            "x.tar has 1001 names of images, more than the 1000 that are taken at once: say which image, as in "
                + "docker-archive:FILE:NAME"),
        Row(
            "[" + [String](repeating: "{}", count: 65).joined(separator: ",") + "]",
            "x.tar has 65 images, more than the 64 that are taken at once: say which image, as in "
                + "docker-archive:FILE:NAME"),
    ]) func aDockerArchivesListSaysWhich(_ row: Row) {
        let result: String
        do throws(ImageError) {
            let manifest = try DockerManifest(Array(row.json.utf8), path: "x.tar")
            result = Self.shown(try manifest.items(selector: row.selector, path: "x.tar"))
        } catch {
            result = error.description
        }
        #expect(result == row.expected)
    }

    @Test(arguments: [
        (ImageError.severalImages("x", []), "x has several images, and no names to choose one by"),
        (.severalImages("x", ["a", "b"]), "x has several images, say which: a, b"),
        (
            .severalImages("x", ["a", "b", "c", "d", "e", "f"]),
            "x has several images, say which: a, b, c, d, e and 1 more"
        ),
        (
            .tooMany("x", .layout, "images", count: 65, limit: 64),
            "x has 65 images, more than the 64 that are taken at once: say which image, as in oci:DIR:TAG"
        ),
    ]) func whatMustBeChosenIsOneLine(_ error: ImageError, _ line: String) {
        #expect(error.description == line)
    }
}
