import Calendar
import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Images
import JSON
import Linux
import OCI

/// `bulkhead image …`: the images of this host.
@EventLoop enum ImageVerbs {
    nonisolated static let pull = Command(
        "pull", "Get an image from its registry", operands: [Operand("NAME[:TAG|@DIGEST]", completes: .image)],
        options: [Option("quiet", short: "q", .flag, "Only the image's name")],
        notYet: [
            UnsupportedOption("platform", instead: "the image of this host's architecture is taken"),
            UnsupportedOption("all-tags", short: "a", takesValue: false, instead: "pull them one by one"),
            UnsupportedOption(
                "disable-content-trust", takesValue: false, isOn: true, instead: "signatures are not looked at"),
        ],
        examples: ["bulkhead image pull alpine:3.20"])

    nonisolated static let load = Command(
        "load", "Take images out of a file, a directory or standard input",
        description: "SOURCE is a file that docker save or podman save has written, or oci:DIR[:TAG], "
            + "oci-archive:FILE[:TAG], docker-archive:FILE[:NAME]. Without it, or with -, such a file is read from "
            + "standard input.",
        operands: [Operand("SOURCE", .optional, completes: .file)],
        options: [
            Option("input", short: "i", .value("SOURCE"), "The same as the operand", completes: .file),
            Option("name", .value("NAME[:TAG]"), "What to call the image of a source that has just one"),
            Option("quiet", short: "q", .flag, "No progress"),
        ],
        notYet: [UnsupportedOption("platform", instead: "the image of this host's architecture is taken")],
        examples: ["bulkhead image load debian.tar", "docker save debian | bulkhead image load"])

    nonisolated static let list = Command(
        "ls", "List images",
        options: [
            Option("all", short: "a", .flag, "The same list: intermediate images are not kept"),
            Option("quiet", short: "q", .flag, "Only ids"),
            Option("no-trunc", .flag, "Whole ids"),
            Option("digests", .flag, "The digests of the manifests, too"),
            ListFormat.option,
        ],
        notYet: [
            UnsupportedOption("filter", short: "f", instead: "use grep, or --format json and jq"),
            UnsupportedOption("tree", takesValue: false, instead: "an image is kept for one platform"),
        ])

    nonisolated static let remove = Command(
        "rm", "Remove images", operands: [Operand("IMAGE", .atLeastOne)],
        options: [Option("force", short: "f", .flag, "Also one with several names, given by its id")],
        notYet: [
            UnsupportedOption("no-prune", takesValue: false, instead: "there are no untagged parents to keep"),
            UnsupportedOption("platform", instead: "an image is kept for one platform"),
        ])

    nonisolated static let inspect = Command(
        "inspect", "Show all that is known of images, as JSON", operands: [Operand("IMAGE", .atLeastOne)],
        notYet: [
            UnsupportedOption("format", short: "f", instead: "take the JSON apart, with jq for instance"),
            UnsupportedOption("platform", instead: "an image is kept for one platform"),
        ])

    static func pull(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let reference = try ImageReference(arguments.operands[0])
        let image = try await host.images().pull(reference, progress: progress(quiet: arguments.flag("quiet")))
        image.tellForeignPlatform()
        host.emit(image: "\(image.id)", "pull", name: reference.pulledName)
        try say(reference.pulledName)
        return 0
    }

    static func load(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let name = try arguments.value("name").map { try ImageReference($0) }
        let progress = progress(quiet: arguments.flag("quiet"))
        guard arguments.operands.isEmpty || !arguments.isGiven("input") else {
            throw CLIError("--input and SOURCE are the same: give one of them", exitCode: CLIError.notRun)
        }
        let images: [LoadedImage]
        if let source = arguments.value("input") ?? arguments.operands.first, !meansInput(source) {
            images = try await host.images().load(source, as: name, progress: progress)
        } else {
            guard !StandardStreams.inputIsTerminal else {
                throw CLIError("standard input is a terminal: name a SOURCE, or redirect an archive into the command")
            }
            images = try await host.images().load(
                from: CurrentProcess.standardStream(0), as: name, progress: progress)
        }
        for image in images {
            image.image.tellForeignPlatform()
            host.emit(image: "\(image.image.id)", "load", name: image.familiarNames.first ?? "")
            for name in image.familiarNames { try say("Loaded image: \(name)") }
            if image.names.isEmpty { try say("Loaded image ID: \(image.image.id)") }
        }
        return 0
    }

    /// A helper that sees the source by its path would see its own.
    private static func meansInput(_ source: String) -> Bool {
        ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(source)
    }

    /// Told on a terminal only.
    static func progress(quiet: Bool) -> ImageStore.Progress {
        guard !quiet, let output = try? CurrentProcess.standardStream(2), Terminal.isTerminal(output) else {
            return { _ in }
        }
        return { CurrentProcess.writeError(Array(($0 + "\n").utf8)) }
    }

    static func list(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        let format = try ListFormat(arguments)
        let (images, problems) = try host.images().list()
        let digests = arguments.flag("digests")
        let whole = arguments.flag("no-trunc")
        func id(_ image: StoredImage) -> String { whole ? "\(image.id)" : String(image.id.hex.prefix(12)) }
        var text = ""
        if arguments.flag("quiet") {
            text = images.map { id($0) + "\n" }.joined()
        } else if format == .json {
            text = images.map { json($0).serialized + "\n" }.joined()
        } else {
            var table = TextTable(["IMAGE"] + (digests ? ["DIGEST"] : []) + ["IMAGE ID", "CREATED", "SIZE"])
            for image in images {
                for name in image.familiarNames.isEmpty ? ["<none>"] : image.familiarNames {
                    let size = Double(image.sizeBytes) / 1_000_000
                    table.add(
                        [name] + (digests ? ["\(image.manifestDigest)"] : [])
                            + [id(image), created(image), "\((size * 10).rounded() / 10)MB"])
                }
            }
            text = table.text
        }
        try CurrentProcess.standardStream(1).writeAll(Array(text.utf8))
        for problem in problems { tell("\(problem)") }
        return problems.isEmpty ? 0 : CLIError.failed
    }

    private static func created(_ image: StoredImage) -> String {
        guard let time = image.createdAt.flatMap({ Moment($0) }) else { return "unknown" }
        return Elapsed.text(WallClock.now - time.seconds * 1_000_000_000) + " ago"
    }

    private static func json(_ image: StoredImage) -> JSONValue {
        .members([
            "ID": .string("\(image.id)"), "Digest": .string("\(image.manifestDigest)"),
            "Names": .array(image.familiarNames.map { .string($0) }), "CreatedAt": .string(image.createdAt ?? ""),
            "Size": .number("\(image.sizeBytes)"),
        ])
    }

    static func remove(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        var code: Int32 = 0
        for name in arguments.operands {
            do {
                let removed = try await remove(name, force: arguments.flag("force"), host)
                for name in removed.untagged { try say("Untagged: \(name)") }
                if let id = removed.deleted { try say("Deleted: \(id)") }
            } catch {
                tell("\(error)")
                code = CLIError.failed
            }
        }
        return code
    }

    /// Takes a name away, or an image that no container uses, and says so to the host.
    /// - Parameter shownName: what events call it.
    /// - Returns: names as people know them, and the id of the image that is gone.
    static func remove(
        _ name: String, called shownName: String? = nil, force: Bool, _ host: Host
    ) async throws -> (untagged: [String], deleted: Digest?) {
        var unreadable: [String] = []
        let removed: RemovedImage
        do {
            removed = try await host.images().remove(name, force: force) { () throws(ImageError) in
                // Which image theirs is nobody can tell.
                unreadable = host.store.unreadable()
                guard unreadable.isEmpty else { throw .inUse(name) }
                return Set(host.store.all().compactMap { try? Digest($0.record.imageManifest) })
            }
        } catch {
            guard let directory = unreadable.first else { throw error }
            throw CLIError(
                "image \(name) may be used by a container whose record cannot be read, another version's "
                    + "perhaps: \(directory): remove that container first")
        }
        let shownName = shownName ?? name
        if !removed.untagged.isEmpty { host.emit(image: shownName, "untag", name: shownName) }
        if let id = removed.deleted { host.emit(image: "\(id)", "delete", name: shownName) }
        return (removed.untagged.map { (try? ImageReference($0))?.familiarName ?? $0 }, removed.deleted)
    }

    static func inspect(_ host: Host, _ arguments: ParsedArguments) throws -> Int32 {
        var code: Int32 = 0
        var found: [JSONValue] = []
        for name in arguments.operands {
            do {
                let (image, manifest) = try host.images().inspect(name)
                found.append(
                    .members([
                        "Id": .string("\(image.id)"), "Digest": .string("\(image.manifestDigest)"),
                        "RepoTags": .array(image.familiarNames.map { .string($0) }),
                        "Created": .string(image.createdAt ?? ""),
                        "Architecture": .string(image.config.architecture), "Os": .string(image.config.os),
                        "Size": .number("\(image.sizeBytes)"), "RootFSPath": .string(image.rootfs),
                        "Layers": .array(manifest.layers.map { .string("\($0.digest)") }),
                        "Config": try JSONParser.parse(image.config.encode())["config"] ?? .null,
                    ]))
            } catch {
                tell("\(error)")
                code = CLIError.failed
            }
        }
        try say(JSONValue.array(found).indented)
        return code
    }
}
