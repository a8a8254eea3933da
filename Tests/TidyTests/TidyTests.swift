import Linux
import Testing

/// What a machine can judge about the sources. An exemption is a line here, with its reason.
@Suite struct TidyTests {
    struct Source: Sendable {
        let path: String
        let lines: [String]
    }

    static let repository: String = {
        var path = #filePath
        for _ in 0..<3 { path = Files.parent(of: path) ?? "/" }
        return path
    }()

    /// Every file below `folder` whose name ends so.
    static func sources(_ folder: String, suffix: String = ".swift") throws -> [Source] {
        var found: [Source] = []
        for name in try Files.names(in: repository + "/" + folder) {
            let path = folder + "/" + name
            if Files.isDirectory(repository + "/" + path) {
                found += try sources(path, suffix: suffix)
            } else if name.hasSuffix(suffix) {
                let text = try Files.readText(repository + "/" + path)
                found.append(
                    Source(
                        path: path,
                        lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)))
            }
        }
        return found
    }

    @Test(arguments: [
        "Protobuf", "TTRPC", "Yamux", "JSON", "OCI", "AgentAPI", "SpecTranslation", "GuestImage", "TaskAPI",
        "ContainerdAPI", "Pod",
        "Calendar", "NearestName", "CommandTree", "Configuration", "YAML", "Tar",
    ])
    func pureTargetsImportNoSystem(_ target: String) throws {
        let banned = ["Glibc", "Foundation", "Linux", "CLinux", "EventLoop", "Dispatch", "Synchronization"]
        for source in try Self.sources("Sources/" + target) {
            for line in source.lines where line.hasPrefix("import ") || line.contains(" import ") {
                let name = line.split(separator: " ").last.map(String.init) ?? ""
                #expect(!banned.contains(name), "\(source.path): \(line)")
            }
        }
    }

    @Test func noFoundationInTheGuest() throws {
        for target in [
            "Agent", "AgentAPI", "Archive", "bulkhead-agent", "Container", "GuestLink", "EventLoop", "Linux",
            "Protobuf",
            "RPC", "Seccomp", "TTRPC", "Tar",
        ] {
            for source in try Self.sources("Sources/" + target) {
                #expect(!source.lines.contains { $0.hasPrefix("import Foundation") }, "\(source.path)")
            }
        }
    }

    @Test func bannedConstructsAreNotThere() throws {
        let banned = [
            "try!", " as! ", "fatalError(", "TODO", "FIXME", "Task.yield", "Task.detached", "Task.sleep",
            "Clock().sleep", "@MainActor", "/bin/sh",
        ]
        for source in try Self.sources("Sources") {
            for (number, line) in source.lines.enumerated() {
                for construct in banned where line.contains(construct) {
                    // A container's own shell, for its health check.
                    if construct == "/bin/sh", source.path.hasSuffix("RunOptions+Life.swift") { continue }
                    Issue.record("\(source.path):\(number + 1): \(construct)")
                }
            }
        }
    }

    @Test func filesFitInAHead() throws {
        for source in try Self.sources("Sources") + Self.sources("Tests") {
            #expect(source.lines.count <= 500, "\(source.path) has \(source.lines.count) lines")
        }
    }

    @Test func uncheckedSendableHasAReason() throws {
        for source in try Self.sources("Sources") {
            for (number, line) in source.lines.enumerated()
            where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
                let before = number > 0 ? source.lines[number - 1] : ""
                #expect(before.contains("//"), "\(source.path):\(number + 1)")
            }
        }
    }

    @Test func linksInDocumentsLeadSomewhere() throws {
        var documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map {
            ($0, (try? Files.readText(Self.repository + "/" + $0)) ?? "")
        }
        documents += try Self.sources("docs", suffix: ".md").map { ($0.path, $0.lines.joined(separator: "\n")) }
        for (path, text) in documents {
            #expect(!text.isEmpty, "\(path) is missing")
            let folder = Files.parent(of: Self.repository + "/" + path) ?? ""
            for part in text.split(separator: "](").dropFirst() {
                let target = String(part.prefix { $0 != ")" && $0 != "#" })
                guard !target.isEmpty, !target.contains("://"), !target.contains(" ") else { continue }
                #expect(Files.exists(folder + "/" + target), "\(path): \(target)")
            }
        }
    }
}
