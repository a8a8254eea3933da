import EventLoop
import Linux
import OCI

/// Images, by name.
enum Images {
    @EventLoop static func resolve(_ reference: String, _ host: Host) async throws -> Image {
        throw CLIError("no such image: \(reference)", exitCode: CLIError.notRun)
    }
}
