import CommandTree
import ContainerStore
import FrontEnd
import Glibc
import Images
import Linux
import OCI
import SpecTranslation

/// A container of `run` before it exists: its record and its specification. Makes nothing until `add`.
struct NewContainer {
    let record: ContainerRecord
    private let spec: RuntimeSpec

    /// - Parameter pod: whose container it becomes; nil: it has one of its own.
    /// - Throws: `CLIError` with 125 for what cannot be a container.
    init(_ options: RunOptions, image: StoredImage, reference: String, pod: PodRecord?, host: Host) throws {
        let id = try RecordID.make()
        var overrides = options.overrides
        if let pod {
            // The pod has been given them.
            (overrides.hostname, overrides.sharedMemoryBytes, overrides.sysctls) = (pod.hostname, nil, [:])
        }
        if overrides.hostname.isEmpty { overrides.hostname = RecordID.short(id) }
        do {
            let merged = try DefaultSpec(image: image.config, overrides: overrides)
            var spec = merged.spec
            spec.root?.path = image.rootfs
            if pod != nil {
                // The pod's, which its pause container has been given.
                spec.hostname = nil
                spec.linux?.sysctl = nil
            }
            if !options.annotations.isEmpty {
                spec.annotations = options.annotations.merging(spec.annotations ?? [:]) { $1 }
            }
            if options.showsSystemPaths {
                spec.linux?.maskedPaths = nil
                spec.linux?.readonlyPaths = nil
            }
            spec.linux?.seccomp = try Self.seccomp(options, spec.process?.capabilities?.bounding ?? [], host)
            self.spec = spec
            var record = ContainerRecord(
                id: id, name: options.name ?? RecordID.name(id), image: reference, imageID: "\(image.id)",
                imageManifest: "\(image.manifestDigest)", createdAt: WallClock.now, command: spec.process?.args ?? [],
                labels: (image.config.config?.labels ?? [:]).merging(options.labels) { $1 },
                hostname: overrides.hostname, user: merged.user, terminal: options.terminal,
                interactive: options.interactive, removesItself: options.removesItself,
                stopSignal: options.stopSignal ?? Self.stopSignal(image.config),
                writableBytes: host.configuration.container.writableBytes,
                logFileBytes: host.configuration.log.sizeBytes, logFiles: UInt32(host.configuration.log.files))
            record.note(options, pod: pod?.id)
            record.health = try options.healthCheck(image.config)
            self.record = record
        } catch TranslationError.missing(field: "process.args") {
            throw CLIError(
                "no command: the image \(reference) names none, so name one after it", exitCode: CLIError.notRun)
        } catch TranslationError.invalid(let field, let value, let reason) {
            // An image may name a user as well.
            let field = field == "user" && options.overrides.user != nil ? "--user" : field
            let sign = field.hasPrefix("--") ? "" : "= "
            throw CLIError("\(field) \(sign)\(value): \(reason)", exitCode: CLIError.notRun)
        } catch let error as TranslationError {
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
    }

    /// Makes the container's record, and takes its name.
    /// - Returns: the record's lock, see `ContainerStore.add`.
    func add(to host: Host) throws -> OwnedFD {
        do {
            let lock = try host.store.add(record, specification: try spec.encode())
            host.emit(record.subject, "create")
            return lock
        } catch {
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
    }

    private static func seccomp(_ options: RunOptions, _ capabilities: [String], _ host: Host) throws -> RuntimeSpec
        .Seccomp?
    {
        // As docker: what is privileged has a filter only when one is named.
        let standard = options.overrides.isPrivileged ? nil : host.seccompProfile
        guard let path = options.seccompProfile ?? standard, !path.isEmpty else { return nil }
        let profile: SeccompProfile
        do {
            profile = try SeccompProfile.decode(json: Files.read(path, limit: SeccompProfile.maximumBytes))
        } catch {
            throw CLIError("the seccomp profile \(path): \(error)", exitCode: CLIError.notRun)
        }
        return try profile.forGuests(capabilities: capabilities)
    }

    private static func stopSignal(_ image: ImageConfig) -> Int32 {
        // What an image says is taken when it means something.
        (image.config?.stopSignal).flatMap { try? SignalName.parse($0) } ?? SIGTERM
    }
}
