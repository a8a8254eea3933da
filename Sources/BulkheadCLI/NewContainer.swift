import CommandTree
import ContainerStore
import Glibc
import Images
import Linux
import OCI
import SpecTranslation

/// A container of `run` before it exists: its record and its specification. Makes nothing until `add`.
struct NewContainer {
    let record: ContainerRecord
    private let spec: RuntimeSpec

    /// - Throws: `CLIError` with 125 for what cannot be a container.
    init(_ options: RunOptions, image: StoredImage, reference: String, host: Host) throws {
        let id = try Identity.randomBytes(32).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
            .joined()
        var overrides = options.overrides
        if overrides.hostname.isEmpty { overrides.hostname = String(id.prefix(12)) }
        do {
            let merged = try DefaultSpec(image: image.config, overrides: overrides)
            var spec = merged.spec
            spec.root?.path = image.rootfs
            spec.annotations = options.annotations.isEmpty ? nil : options.annotations
            if options.showsSystemPaths {
                spec.linux?.maskedPaths = nil
                spec.linux?.readonlyPaths = nil
            }
            spec.linux?.seccomp = try Self.seccomp(options, spec.process?.capabilities?.bounding ?? [], host)
            self.spec = spec
            record = ContainerRecord(
                id: id, name: options.name ?? Self.generatedName(id), image: reference, imageID: "\(image.id)",
                imageManifest: "\(image.manifestDigest)", createdAt: WallClock.now, command: spec.process?.args ?? [],
                labels: (image.config.config?.labels ?? [:]).merging(options.labels) { $1 },
                hostname: overrides.hostname, user: merged.user, terminal: options.terminal,
                interactive: options.interactive, removesItself: options.removesItself,
                stopSignal: options.stopSignal ?? Self.stopSignal(image.config),
                writableBytes: host.configuration.container.writableBytes,
                memoryMiB: Self.memoryMiB(overrides, host), vCPUs: try Self.vCPUs(overrides, host),
                logFileBytes: host.configuration.log.sizeBytes, logFiles: UInt32(host.configuration.log.files))
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
    func add(to store: ContainerStore) throws -> OwnedFD {
        do {
            return try store.add(record, specification: try spec.encode())
        } catch {
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
    }

    private static func seccomp(_ options: RunOptions, _ capabilities: [String], _ host: Host) throws -> RuntimeSpec
        .Seccomp?
    {
        guard let path = options.seccompProfile ?? host.seccompProfile, !path.isEmpty else { return nil }
        let profile: SeccompProfile
        do {
            profile = try SeccompProfile.decode(json: Files.read(path, limit: SeccompProfile.maximumBytes))
        } catch {
            throw CLIError("the seccomp profile \(path): \(error)", exitCode: CLIError.notRun)
        }
        return try profile.resolved(
            for: SeccompTarget(
                capabilities: Set(capabilities), architecture: .amd64,
                kernel: SeccompTarget.KernelVersion(major: 6, minor: 1)))
    }

    private static func stopSignal(_ image: ImageConfig) -> Int32 {
        // What an image says is taken when it means something.
        (image.config?.stopSignal).flatMap { try? SignalName.parse($0) } ?? SIGTERM
    }

    /// What the guest's kernel and agent need beside the container's own limit.
    private static let guestMiB = 128

    private static func memoryMiB(_ overrides: DefaultSpec.Overrides, _ host: Host) -> Int {
        guard let bytes = overrides.memoryBytes else { return Int(host.configuration.guest.memoryBytes >> 20) }
        let limitMiB = min(Int(clamping: bytes >> 20), 1 << 24) + 1
        // A limit above what the host has is one that is never reached, as with docker.
        let hostMiB = Int(clamping: CurrentProcess.memoryBytes >> 20)
        return max(Int(host.configuration.guest.memoryBytes >> 20), min(limitMiB + guestMiB, hostMiB))
    }

    private static func vCPUs(_ overrides: DefaultSpec.Overrides, _ host: Host) throws(CLIError) -> Int {
        let configured = host.configuration.guest.vCPUs, available = CurrentProcess.processorCount
        guard configured <= available else {
            throw CLIError(
                "guest.vcpus of the configuration is \(configured), and this host has \(available)",
                exitCode: CLIError.notRun)
        }
        guard let nanoCPUs = overrides.nanoCPUs else { return configured }
        return max(configured, min(Int((nanoCPUs + 999_999_999) / 1_000_000_000), available))
    }

    /// Two words of the sea and four digits of the id.
    private static func generatedName(_ id: String) -> String {
        let first = [
            "brisk", "calm", "deep", "distant", "eastern", "foggy", "gentle", "golden", "grey", "high", "icy", "long",
            "lunar", "northern", "open", "quiet", "rolling", "salty", "silver", "southern", "steady", "still", "stormy",
            "tidal", "vast", "western", "white", "wild", "windy", "wintry",
        ]
        let second = [
            "anchor", "bay", "beacon", "buoy", "cape", "cove", "current", "delta", "dock", "fjord", "gull", "gulf",
            "harbor", "hull", "island", "keel", "lagoon", "lantern", "mast", "otter", "pier", "quay", "reef", "rudder",
            "sail", "shoal", "sound", "strait", "tern", "wharf",
        ]
        let number = Int(id.prefix(8), radix: 16) ?? 0
        return "\(first[number % first.count])_\(second[number / first.count % second.count])_\(id.suffix(4))"
    }
}
