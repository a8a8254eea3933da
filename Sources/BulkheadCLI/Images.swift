import EventLoop
import Linux
import OCI

/// Images, by name.
enum Images {
    @EventLoop static func resolve(_ reference: String, _ host: Host) async throws -> Image {
        guard reference == "busybox" else { throw CLIError("no such image: \(reference)", exitCode: CLIError.notRun) }
        let text =
            #"{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":[]}}"#
        return Image(
            id: "sha256:x", manifestDigest: "sha256:y", config: try ImageConfig.decode(json: Array(text.utf8)),
            rootfs: "/tmp/w/bb/rootfs")
    }
}
