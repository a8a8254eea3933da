import Archive
import CommandTree
import ContainerStore
import EventLoop
import FrontEnd
import Glibc
import Linux
import MonitorClient
import TTRPC
import TaskAPI

/// `bulkhead cp`: files out of a container and into it.
@EventLoop enum Copy {
    nonisolated static let command = Command(
        "cp", "Copy files between a container and this host",
        description:
            "CONTAINER:PATH is in the container, whose links lead nowhere else; - is a tar archive on standard "
            + "input or output. What comes out of a container belongs to you, has no setuid bits and is no device. A "
            + "container that has ended can be copied from and to while its pod runs.",
        group: Verbs.containers,
        operands: [
            Operand("SOURCE", .one, "CONTAINER:PATH, PATH or -", completes: .fileOrContainer),
            Operand("TARGET", .one, "PATH or -, or CONTAINER:PATH", completes: .fileOrContainer),
        ],
        options: [
            Option("archive", short: "a", .flag, "Keep owners and groups"),
            Option("follow-link", short: "L", .flag, "Copy what a link leads to, when SOURCE is one"),
            Option("quiet", short: "q", .flag, "Do not say what has been copied"),
        ],
        examples: ["bulkhead cp web:/etc/hosts .", "bulkhead cp -a site/. web:/srv", "bulkhead cp web:/srv - | tar t"])

    /// One side of a copy.
    private enum Place {
        case container(String, path: [UInt8])
        case local([UInt8])
        /// Standard input or output.
        case stream

        /// As docker: what begins with a slash or a dot, or has no colon, is here.
        init(_ text: String) {
            if text == "-" {
                self = .stream
            } else if let colon = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix(".") {
                self = .container(String(text[..<colon]), path: Array(text[text.index(after: colon)...].utf8))
            } else {
                self = .local(Array(text.utf8))
            }
        }
    }

    static func run(_ host: Host, _ arguments: ParsedArguments) async throws -> Int32 {
        let options = CopyOptions(arguments)
        for text in arguments.operands {
            guard case .container(let name, path: []) = Place(text) else { continue }
            throw CLIError("\(text): a path is missing, as in \(name):/")
        }
        switch (Place(arguments.operands[0]), Place(arguments.operands[1])) {
        case (.container(let name, let path), .local(let target)):
            try await ContainerCopy(host, name, options).copy(out: path, to: target)
        case (.container(let name, let path), .stream):
            try await ContainerCopy(host, name, options).write(path)
        case (.local(let source), .container(let name, let path)):
            try await ContainerCopy(host, name, options).copy(in: source, to: path)
        case (.stream, .container(let name, let path)):
            try await ContainerCopy(host, name, options).read(into: path)
        case (.container, .container): throw CLIError("copying between containers is not there yet: copy by way of -")
        case (.local, _), (.stream, _):
            throw CLIError("one side of a copy is CONTAINER:PATH")
        }
        return 0
    }
}

struct CopyOptions {
    let keepsOwners: Bool, followsLink: Bool, isQuiet: Bool

    init(_ arguments: ParsedArguments) {
        keepsOwners = arguments.flag("archive")
        followsLink = arguments.flag("follow-link")
        isQuiet = arguments.flag("quiet")
    }
}

/// Copies of one container.
@EventLoop private struct ContainerCopy {
    let container: ContainerStore.Entry
    let client: MonitorClient
    let options: CopyOptions
    private var id: String { container.record.id }

    init(_ host: Host, _ name: String, _ options: CopyOptions) async throws {
        container = try host.store.find(name)
        self.options = options
        do {
            client = try await ContainerCalls(host: host, entry: container).connect()
        } catch let error as ContainerCalls.NotRunning {
            throw CLIError("\(error): what it had written went with its virtual machine")
        }
    }

    // MARK: Out of the container

    func copy(out path: [UInt8], to target: [UInt8]) async throws {
        let source = Self.rooted(path)
        let followsLink = options.followsLink || CopyPlan.endsAsDirectory(source)
        let kind = try await self.kind(source, followsLink: followsLink)
        guard kind != .missing else { throw missing(path) }
        let plan = try await told(target) {
            let (target, targetKind) = try await Self.end(of: target.isEmpty ? [UInt8(ascii: ".")] : target) {
                try Self.localStatus($0, followsLink: false)
            }
            return try CopyPlan(
                source: source, sourceIsDirectory: kind == .directory, target: target, targetKind: targetKind,
                parentKind: Self.localStatus(CopyPlan.parent(target)).kind)
        }
        let pipe = try Pipe()
        let uri = try await client.handOver([pipe.writing.withRaw { $0 }])
        var request = CopyFromRequest()
        (request.id, request.path, request.stdout) = (id, source, uri)
        (request.followsLink, request.name) = (followsLink, plan.name)
        _ = consume pipe.writing
        let ownership: UnpackOptions.Ownership =
            options.keepsOwners
            ? .asArchived : .fixed(uid: CurrentProcess.user, gid: CurrentProcess.group)
        let client = client
        // What has half come is not to stay. Whoever asks twice does not wait for that. Before there is a second thread,
        // which would take the signals.
        let signals = try SignalWatch(SignalSet([SIGINT, SIGTERM, SIGHUP]).withoutIgnored),
            interrupted = Promise<Int32>()
        Task { @EventLoop in
            while let signal = try? await signals.next() {
                guard interrupted.fulfil(signal) else { CurrentProcess.exit(128 + signal) }
                client.close()
            }
        }
        // What a guest says is of this host now: no rights come with it.
        let local = try LocalCopy(
            unpacking: pipe.reading, into: Self.directory(plan.directory),
            UnpackOptions(devices: .leaveOut, specialBits: .strip, ownership: ownership))
        let copied = request
        let remote = Task { @EventLoop in
            try await client.call(
                SandboxService.Method.copyFrom, copied, CopyResult.self, within: MonitorClient.forever)
        }
        let outcome = try await local.finish()
        if let signal = interrupted.current { throw CLIError("interrupted", exitCode: 128 + signal) }
        do {
            let result = try await remote.value
            let counts: Archive.Counts
            switch outcome {
            case .success(let copied): counts = copied
            case .failure(let local): throw CLIError("on this host, in \(Self.shown(plan)): \(local)")
            }
            guard counts.entries == 0 || counts.entries > counts.devicesLeftOut else {
                throw CLIError("\(Files.printable(path)) is a device, and none is made here")
            }
            if counts.devicesLeftOut > 0 { tell("\(counts.devicesLeftOut) devices were left out: none is made here") }
            say(counts.contentBytes, skipped: Int(result.skipped) + counts.skipped, lost: counts.attributesLost)
        } catch let error as TTRPCStatus {
            // When the unpacking has failed the packing has too, for want of a reader.
            if case .failure(let local) = outcome, case .malformed = local.problem { throw error }
            if case .failure(let local) = outcome { throw CLIError("on this host, in \(Self.shown(plan)): \(local)") }
            throw error
        }
    }

    func write(_ path: [UInt8]) async throws {
        let output = try CurrentProcess.standardStream(1)
        guard !Terminal.isTerminal(output) else {
            throw CLIError("an archive is not for a terminal: send it into a file or another command")
        }
        let source = Self.rooted(path)
        let followsLink = options.followsLink || CopyPlan.endsAsDirectory(source)
        guard try await kind(source, followsLink: followsLink) != .missing else { throw missing(path) }
        let pipe = try Pipe()
        var request = CopyFromRequest()
        request.stdout = try await client.handOver([pipe.writing.withRaw { $0 }])
        (request.id, request.path, request.followsLink) = (id, source, followsLink)
        request.name =
            CopyPlan.meansContents(source) ? [UInt8(ascii: ".")] : CopyPlan.lastName(source) ?? [UInt8(ascii: ".")]
        _ = consume pipe.writing
        let copy = try CopyThread(from: pipe.reading, to: output)
        _ = try await client.call(
            SandboxService.Method.copyFrom, request, CopyResult.self, within: MonitorClient.forever)
        if let end = copy.takeEnd() { _ = try await AsyncFD(end).read() }
        if case .failed(let error) = copy.outcome { throw error }
    }

    // MARK: Into the container

    func copy(in path: [UInt8], to target: [UInt8]) async throws {
        let followsLink = options.followsLink || CopyPlan.endsAsDirectory(path)
        let sourceKind = try Self.localStatus(path, followsLink: followsLink).kind
        let shown = Files.printable(path)
        guard sourceKind != .missing else { throw CLIError("\(shown): there is no such file or directory here") }
        let plan = try await told(target) {
            let (target, targetKind) = try await Self.end(of: Self.rooted(target)) {
                try await status($0, followsLink: false)
            }
            let parentKind =
                targetKind == .missing ? try await kind(CopyPlan.parent(target), followsLink: true) : .directory
            return try CopyPlan(
                source: path, sourceIsDirectory: sourceKind == .directory, target: target,
                targetKind: targetKind, parentKind: parentKind)
        }
        let absolute =
            path.first == UInt8(ascii: "/") ? path : Array((try CurrentProcess.workingDirectory() + "/").utf8) + path
        let pipe = try Pipe()
        let uri = try await client.handOver([pipe.reading.withRaw { $0 }])
        _ = consume pipe.reading
        let local = try LocalCopy(
            packing: Archive.Source(path: absolute, followsLink: followsLink, name: plan.name), to: pipe.writing)
        let result: CopyResult
        do {
            result = try await unpack(plan.directory, from: uri)
        } catch {
            if case .failure(let local) = try await local.finish(), case .output = local.problem { throw error }
            throw error
        }
        let counts = try await local.finish().get()
        say(counts.contentBytes, skipped: Int(result.skipped) + counts.skipped, lost: 0)
    }

    func read(into path: [UInt8]) async throws {
        let target = Self.rooted(path)
        guard try await kind(target, followsLink: true) == .directory else {
            throw CLIError(
                "\(Files.printable(path)): an archive is unpacked in a directory of the container, and there is none")
        }
        let pipe = try Pipe()
        let uri = try await client.handOver([pipe.reading.withRaw { $0 }])
        _ = consume pipe.reading
        _ = try CopyThread(from: CurrentProcess.standardStream(0), to: pipe.writing)
        _ = try await unpack(target, from: uri)
    }

    private func unpack(_ directory: [UInt8], from uri: String) async throws -> CopyResult {
        var request = CopyToRequest()
        (request.id, request.path, request.stdin) = (id, directory, uri)
        request.keepsOwners = options.keepsOwners
        return try await client.call(
            SandboxService.Method.copyTo, request, CopyResult.self, within: MonitorClient.forever)
    }

    // MARK: What is where

    /// Paths of a container begin at its root.
    private static func rooted(_ path: [UInt8]) -> [UInt8] {
        path.first == UInt8(ascii: "/") ? path : [UInt8(ascii: "/")] + path
    }

    private typealias Status = (kind: CopyPlan.Kind, link: [UInt8]?)

    /// Follows links at the path's end, as docker does with a destination: what they lead to is written, which need not
    /// be there yet.
    private static func end(
        of path: [UInt8], _ status: (_ path: [UInt8]) async throws -> Status
    ) async throws -> (path: [UInt8], kind: CopyPlan.Kind) {
        var path = path
        for _ in 0..<40 {  // As many as Linux follows.
            let found = try await status(path)
            guard let link = found.link else { return (path, found.kind) }
            path = CopyPlan.target(of: link, at: path)
        }
        throw CopyPlanError.tooManyLinks
    }

    private func kind(_ path: [UInt8], followsLink: Bool) async throws -> CopyPlan.Kind {
        try await status(path, followsLink: followsLink).kind
    }

    private func status(_ path: [UInt8], followsLink: Bool) async throws -> Status {
        let request = ContainerPathRequest(id: id, path: path, followsLink: followsLink)
        let found = try await client.call(
            SandboxService.Method.pathStatus, request, ContainerPathResponse.self, within: MonitorClient.callLimit)
        switch found.kind {
        case .missing: return (.missing, nil)
        case .directory: return (.directory, nil)
        // Of an older monitor, which does not say where it leads.
        case .symlink where found.link.isEmpty: return try await status(path, followsLink: true)
        case .symlink: return (.other, found.link)
        case .other: return (.other, nil)
        }
    }

    private static func localStatus(_ path: [UInt8], followsLink: Bool = true) throws -> Status {
        let here = try Files.open(".", [.path, .directory])
        do {
            let flags: OpenFlags = followsLink ? .path : [.path, .noFollow]
            let found = try Files.open(path, in: here, flags, resolving: [])
            return switch try found.status().kind {
            case .directory: (.directory, nil)
            case .symlink: (.other, try found.linkTargetBytes())
            case .regular, .fifo, .socket, .characterDevice, .blockDevice: (.other, nil)
            }
        } catch {
            guard error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory else { throw error }
            return (.missing, nil)
        }
    }

    private static func shown(_ plan: CopyPlan) -> String { Files.printable(plan.directory) }

    private static func directory(_ path: [UInt8]) throws -> OwnedFD {
        let here = try Files.open(".", [.path, .directory])
        return try Files.open(path, in: here, [.path, .directory], resolving: [])
    }

    private func missing(_ path: [UInt8]) -> CLIError {
        CLIError("container \(container.record.name) has no \(Files.printable(path))")
    }

    private func told<R>(_ target: [UInt8], _ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as CopyPlanError {
            throw CLIError("\(Files.printable(target)): \(error)")
        }
    }

    /// As docker does it on a terminal.
    private func say(_ bytes: Int64, skipped: Int, lost: Int) {
        if skipped > 0 { tell("\(skipped) files were left out: sockets, or removed meanwhile") }
        if lost > 0 { tell("\(lost) extended attributes were left out: there is no place for them here") }
        guard !options.isQuiet, let errors = try? CurrentProcess.standardStream(2), Terminal.isTerminal(errors) else {
            return
        }
        tell("copied \(bytes) bytes")
    }
}
