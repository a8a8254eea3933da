import Confinement
import EventLoop
import Glibc
import Linux

/// A run of skopeo or umoci: without a shell, with an explicit environment, bounded in time and on disk, and gone when
/// `run` returns or throws, whatever the reason.
@EventLoop struct HelperProcess {
    /// How it may reach the host.
    enum Access {
        /// As it is, but without new privileges: for the network and what credentials need.
        case host
        /// In namespaces of its own, without a network, with these binds and capabilities.
        case confined([ConfinementPlan.Bind], capabilities: UInt64)
    }

    /// What it has said in the end.
    struct Result {
        let exit: ProcessExit
        /// The lines of standard error, the last of many. They are whole, however long, and fit for a terminal.
        let errors: [String]
    }

    /// The end of standard error that is kept, in bytes: a crash in Go says its reason before a stack.
    nonisolated static let maximumErrors = 64 << 10
    private nonisolated static let parentNumber: CInt = 3

    /// The program's name, in /usr/bin.
    let tool: String
    /// Without the program's own name.
    let arguments: [String]
    var environment: [String] = []
    let access: Access
    /// What the run is about, for messages.
    let subject: String
    let limit: Duration
    /// What may be written below the workplace, beyond what is there at the start.
    let limits: ImageLimits
    let workplace: Workplace
    /// Our executable, which confines the program.
    let launcher: String
    /// Called with each line of standard output.
    var progress: (@EventLoop (String) -> Void)?

    /// Runs the program to its end, which may be a failure of its own.
    /// - Throws: `.toolMissing`, `.timedOut`, `.tooLarge`, `.cancelled`, `.system`.
    func run() async throws(ImageError) -> Result {
        do {
            return try await runToEnd()
        } catch let error as ImageError {
            throw error
        } catch let error as SystemCallError {
            throw ImageError(error, doing: "running \(tool)", store: workplace.path)
        } catch let error as TimedOut {
            throw .timedOut(tool, subject: subject, limit: error.limit)
        } catch {
            throw .cancelled(subject)
        }
    }

    private func runToEnd() async throws -> Result {
        guard !Task.isCancelled else { throw CancellationError() }
        guard Files.exists(program) else { throw ImageError.toolMissing(tool) }
        let before = try Files.size(ofTree: workplace.path)
        let outputPipe = try Pipe(), errorPipe = try Pipe()
        let process = try start(output: outputPipe.writing, errors: errorPipe.writing)
        let collector = try Collector(outputPipe.reading.duplicate(), errorPipe.reading.duplicate(), progress)
        // The reading ends see an end only when nobody here holds the writing ones.
        _ = consume outputPipe
        _ = consume errorPipe
        var excess: ImageError?
        let watch = Task { @EventLoop in
            excess = await firstExcess(beyond: before)
            if excess != nil { process.signal(SIGKILL) }
        }
        defer { watch.cancel() }
        do {
            let exit = try await within(limit, waitingFor: "end of \(tool)") { try await process.exit.value() }
            if let excess { throw excess }
            // A last look, since what was written after the one before counts too.
            if let excess = self.excess(beyond: before) { throw excess }
            await collector.finish()
            return Result(exit: exit, errors: collector.errorLines)
        } catch {
            process.signal(SIGKILL)
            // Bounded by the kernel, so not cancelled: what it wrote can be removed only when it is gone.
            await Task { @EventLoop in _ = try? await process.exit.value() }.value
            throw error
        }
    }

    private nonisolated var program: String { "/usr/bin/" + tool }

    private func start(
        output: borrowing OwnedFD, errors: borrowing OwnedFD
    ) throws(SystemCallError) -> WatchedProcess {
        let nothing = try Files.open("/dev/null", .readWrite)
        let parent = try PidFD(getpid())
        var spawn: SpawnPlan
        var descriptors = [
            DescriptorMapping(nothing.withRaw { $0 }, as: 0), DescriptorMapping(output.withRaw { $0 }, as: 1),
            DescriptorMapping(errors.withRaw { $0 }, as: 2),
        ]
        switch access {
        case .host:
            spawn = SpawnPlan(program, [tool] + arguments, environment: environment)
            spawn.forbidsNewPrivileges = true
        case .confined(let binds, let capabilities):
            var plan = ConfinementPlan(
                root: workplace.emptyDirectory, uid: 0, parentFD: Self.parentNumber, program: program,
                arguments: [tool] + arguments)
            plan.binds = (Self.libraries + [program]).map { .init($0) } + binds
            plan.links = Self.links
            plan.capabilities = capabilities
            plan.environment = environment
            spawn = SpawnPlan(launcher, [Confinement.programName, plan.serialized])
            spawn.newNamespaces = Confinement.namespaces
            descriptors.append(DescriptorMapping(parent.fd.withRaw { $0 }, as: Self.parentNumber))
        }
        spawn.newSession = true
        return try WatchedProcess(spawn.start(descriptors: descriptors))
    }

    #if arch(arm64)
        private nonisolated static let libraries = ["/usr/lib/aarch64-linux-gnu", "/usr/lib/ld-linux-aarch64.so.1"]
        private nonisolated static let links: [ConfinementPlan.Bind] = [.init("usr/lib", at: "/lib")]
    #else
        private nonisolated static let libraries = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64"]
        private nonisolated static let links: [ConfinementPlan.Bind] = [
            .init("usr/lib", at: "/lib"), .init("usr/lib64", at: "/lib64"),
        ]
    #endif
}

extension HelperProcess {
    private nonisolated static let shortestPause = Duration.milliseconds(100)

    /// Looks again and again at what has been written; returns what is too much, or nil when cancelled.
    private func firstExcess(beyond before: TreeSize) async -> ImageError? {
        while true {
            let started = ContinuousClock.now
            if let excess = excess(beyond: before) { return excess }
            // Large trees take longer to measure: at most a tenth of the time goes into that.
            let pause = max(Self.shortestPause, started.duration(to: .now) * 10)
            do { try await EventLoop.sleep(for: pause) } catch { return nil }
        }
    }

    private func excess(beyond before: TreeSize) -> ImageError? {
        do {
            let now = try Files.size(ofTree: workplace.path)
            let isFine = now.bytes - before.bytes <= limits.bytes && now.entries - before.entries <= limits.entries
            return isFine ? nil : .tooLarge(subject, limits)
        } catch {
            return ImageError(error, doing: "measuring \(subject)", store: workplace.path)
        }
    }
}

/// Reads both outputs of a helper.
@EventLoop private final class Collector {
    private var errors: [UInt8] = []
    private let outputFD: AsyncFD, errorFD: AsyncFD
    private var readers: [Task<Void, Never>] = []

    init(
        _ output: consuming OwnedFD, _ errors: consuming OwnedFD, _ progress: (@EventLoop (String) -> Void)?
    ) throws(SystemCallError) {
        outputFD = try AsyncFD(output)
        errorFD = try AsyncFD(errors)
        readers.append(
            Task { @EventLoop [outputFD] in
                var line: [UInt8] = []
                // An error is an end as well: the descriptor was closed by `finish`.
                while let bytes = try? await outputFD.read(upTo: 4096), !bytes.isEmpty {
                    guard let progress else { continue }
                    for byte in bytes {
                        if byte == UInt8(ascii: "\n") {
                            progress(Self.shown(line))
                            line = []
                        } else if line.count < 1024 {
                            line.append(byte)
                        }
                    }
                }
            })
        readers.append(
            Task { @EventLoop [errorFD] in
                while let bytes = try? await errorFD.read(upTo: 4096), !bytes.isEmpty {
                    self.errors += bytes
                    let excess = self.errors.count - HelperProcess.maximumErrors
                    // Not for each piece: removing moves all that stays.
                    if excess >= HelperProcess.maximumErrors { self.errors.removeFirst(excess) }
                }
            })
    }

    /// What has come of standard error.
    var errorLines: [String] {
        let text = String(decoding: errors.suffix(HelperProcess.maximumErrors), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).map { line in
            var shown = ""
            var rest = line
            // In pieces, since what shows a line cuts its end, and the end of an error has its cause.
            while !rest.isEmpty {
                shown += Self.shown(Array(rest.prefix(200).utf8))
                rest = rest.dropFirst(200)
            }
            return shown
        }
    }

    private static func shown(_ line: [UInt8]) -> String {
        var buffer = TailBuffer(capacity: 2048)
        buffer.append(line)
        return buffer.lines(1).first ?? ""
    }

    /// Reads to the end of both, which comes with the end of the process unless it left a child behind.
    func finish() async {
        let readers = readers
        // Then what is left is not read: it is a helper's helper's.
        _ = try? await within(.seconds(1), waitingFor: "end of output") {
            await withTaskCancellationHandler {
                for reader in readers { await reader.value }
            } onCancel: {
                Task { @EventLoop in self.close() }
            }
        }
        close()
    }

    private func close() {
        outputFD.close()
        errorFD.close()
    }
}
