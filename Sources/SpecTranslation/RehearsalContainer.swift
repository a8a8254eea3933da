import AgentAPI
import OCI

/// A container that nobody has asked for, which a guest runs before it has work: what it does for the first time, a later
/// one need not. It is what `bulkhead run` makes of an image that says nothing, of the guest's own files only. Pure.
public enum RehearsalContainer {
    /// Of what it writes.
    private static let layerBytes: UInt64 = 1 << 20

    /// - Parameters:
    ///   - root: where its files are in the guest; nil: the guest's own.
    ///   - program: its program there; nil: the pause container's.
    ///   - seccomp: the profile of containers that say nothing, for their capabilities; nil: they have none.
    public static func spec(
        root path: String? = nil, program: String? = nil, seccomp: RuntimeSpec.Seccomp?
    ) throws(TranslationError) -> ContainerSpec {
        var overrides = DefaultSpec.Overrides()
        overrides.arguments = [program ?? PauseContainer.program]
        overrides.hostname = "rehearsal"
        overrides.seccomp = seccomp
        let image = ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: []))
        let merged = try DefaultSpec(image: image, overrides: overrides)
        var root = RootFileSystem()
        (root.path, root.overlayBytes) = (path ?? PauseContainer.root, layerBytes)
        root.files = [FileSpec(path: "/etc/hostname", content: Array("rehearsal\n".utf8))]
        return try ContainerTranslation.translate(merged.spec, rootfs: root, user: merged.user) { _ in nil }
    }
}
