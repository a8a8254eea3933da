import AgentAPI
import Archive
import EventLoop
import Linux
import Protobuf

/// What is done with a container's files from outside: by a process of ours in the container's mount namespace, whether
/// the container runs or has ended. `main` calls `run` before anything else.
public enum ContainerFiles {
    /// argv[0] by which `main` knows it.
    public static let programName = "container-files"
    private static let planNumber: Int32 = 3, answerNumber: Int32 = 4, namespaceNumber: Int32 = 5
    private static let planLimit = 64 << 10
    /// CAP_CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD and SETFCAP.
    private static let capabilities = CapabilitySet(rawValue: 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 27 | 1 << 31)

    struct Plan: Codable, Equatable {
        var status: FileStatusRequest?
        var pack: PackRequest?
        var unpack: UnpackRequest?
        enum CodingKeys: Int, CodingKey { case status = 1, pack, unpack }
    }

    struct Answer: Codable, Equatable {
        var status: FileStatusResponse?
        var copy: CopyResponse?
        /// Why it failed; empty when it has not.
        var failure = ""
        enum CodingKeys: Int, CodingKey { case status = 1, copy, failure }
    }

    // MARK: In the process

    /// Does what the plan says, answers and ends.
    public static func run() -> Never {
        let channel = OwnedFD(owning: answerNumber)
        var answer = Answer()
        do {
            try perform(&answer)
        } catch {
            answer.failure = "\(error)"
        }
        if let bytes = try? Protobuf.encode(answer) {
            // When nobody listens any more there is nobody to tell.
            try? UnixSocket.send(Array(bytes.prefix(InitMessage.limit)), descriptors: [], over: channel)
        }
        CurrentProcess.exit(answer.failure.isEmpty ? 0 : 1)
    }

    private static func perform(_ answer: inout Answer) throws {
        try ignoreSignal(13)
        try Privileges.setDumpable(false)
        try CurrentProcess.closeOnExecute(from: 3)
        CurrentProcess.setFileCreationMask(0o022)
        let plan = try Protobuf.decode(Plan.self, from: OwnedFD(owning: planNumber).readAll(limit: planLimit))
        // Its root becomes this process's.
        try Namespaces.mount.join(OwnedFD(owning: namespaceNumber))
        try changeDirectory("/")
        try Privileges.setCapabilities(effective: capabilities, permitted: capabilities, inheritable: [])
        let root = try Files.open("/", [.path, .directory])
        if let request = plan.status {
            answer.status = try status(request, root)
        } else if let request = plan.pack {
            let source = Archive.Source(path: request.path, followsLink: request.followsLink, name: request.name)
            let output = try CurrentProcess.standardStream(1)
            answer.copy = CopyResponse(try Archive.pack(source, in: root, to: output))
        } else if let request = plan.unpack {
            let options = UnpackOptions(
                devices: .make, specialBits: .keep,
                ownership: request.keepsOwners ? .asArchived : .fixed(uid: 0, gid: 0))
            let input = try CurrentProcess.standardStream(0)
            let directory = try Archive.directory(request.path, in: root)
            answer.copy = CopyResponse(try Archive.unpack(from: input, into: directory, options))
        }
    }

    private static func status(_ request: FileStatusRequest, _ root: borrowing OwnedFD) throws(SystemCallError)
        -> FileStatusResponse
    {
        do {
            let flags: OpenFlags = request.followsLink ? .path : [.path, .noFollow]
            let path = request.path.isEmpty ? Array(".".utf8) : request.path
            let found = try Files.open(path, in: root, flags, resolving: [.inRoot, .noMagicLinks])
            switch try found.status().kind {
            case .directory: return FileStatusResponse(kind: .directory)
            case .symlink: return FileStatusResponse(kind: .symlink, link: try found.linkTargetBytes())
            case .regular, .fifo, .socket, .characterDevice, .blockDevice: return FileStatusResponse(kind: .other)
            }
        } catch {
            guard error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory else { throw error }
            return FileStatusResponse()
        }
    }

    // MARK: From outside

    /// Has a process do it, which ends with it.
    /// - Parameter streams: its input and output.
    @EventLoop static func perform(
        _ plan: Plan, in namespace: borrowing OwnedFD, streams: StandardStreams?, runtime: ContainerRuntime,
        made: (WatchedProcess) -> Void
    ) async throws(ContainerError) -> Answer {
        let process: WatchedProcess, answers: AsyncFD
        do {
            (process, answers) = try start(plan, namespace, streams, runtime)
        } catch {
            throw ContainerError("copy", "\(error)")
        }
        made(process)
        var bytes: [UInt8] = []
        do {
            // A copy takes as long as it takes: a reader may be slow. Its end is the end of the wait.
            let limit = plan.status == nil ? Duration.seconds(1 << 31) : runtime.limit
            bytes = try await within(limit, waitingFor: "an answer") {
                try await answers.retry(when: .readable) { fd throws(SystemCallError) in
                    try UnixSocket.receive(upTo: InitMessage.limit, descriptorLimit: 0, over: fd).bytes
                }
            }
        } catch {
            process.signal(9)
        }
        _ = try? await process.exit.value()
        guard !bytes.isEmpty, let answer = try? Protobuf.decode(Answer.self, from: bytes) else {
            throw ContainerError("copy", "the process that does it was killed")
        }
        guard answer.failure.isEmpty else { throw ContainerError("copy", answer.failure) }
        return answer
    }

    @EventLoop private static func start(
        _ plan: Plan, _ namespace: borrowing OwnedFD, _ streams: StandardStreams?, _ runtime: ContainerRuntime
    ) throws -> (WatchedProcess, AsyncFD) {
        let planFile = try Files.inMemory(try Protobuf.encode(plan), name: "files-plan")
        let ends = try UnixSocket.pair(.messages)
        let null = try Files.open("/dev/null", .readWrite)
        let nothing = null.withRaw { $0 }
        var spawn = SpawnPlan(programName, [programName])
        spawn.newSession = true
        let child = try spawn.start(
            descriptors: [
                DescriptorMapping(streams?.input ?? nothing, as: 0),
                DescriptorMapping(streams?.output ?? nothing, as: 1),
                DescriptorMapping(nothing, as: 2), DescriptorMapping(planFile.withRaw { $0 }, as: planNumber),
                DescriptorMapping(ends.second.withRaw { $0 }, as: answerNumber),
                DescriptorMapping(namespace.withRaw { $0 }, as: namespaceNumber),
            ], programFD: runtime.program.withRaw { $0 })
        return (try WatchedProcess(child), try AsyncFD(ends.first))
    }
}

extension CopyResponse {
    fileprivate init(_ counts: Archive.Counts) {
        self.init()
        (entries, contentBytes) = (UInt64(counts.entries), UInt64(clamping: counts.contentBytes))
        skipped = UInt64(counts.skipped)
    }
}
