import EventLoop
import Images
import Linux

extension Host {
    /// The images of this host.
    func images() throws -> ImageStore {
        var environment: [String: String] = [:]
        for variable in CurrentProcess.environment {
            guard let equals = variable.firstIndex(of: "=") else { continue }
            environment[String(variable[..<equals])] = String(variable[variable.index(after: equals)...])
        }
        return try ImageStore(
            root: root, launcher: launcher, bundledLayouts: [installed("images")].compactMap { $0 },
            environment: environment)
    }

    /// The image that `run` is to use.
    /// - Throws: `CLIError` with 125.
    @EventLoop func image(_ reference: String) async throws -> StoredImage {
        do {
            let image = try await images().resolve(reference)
            try image.checkSystem(reference)
            image.tellForeignPlatform()
            return image
        } catch {
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
    }
}

extension StoredImage {
    /// Warns, as docker does, of an image whose programs this processor most likely does not know.
    func tellForeignPlatform() {
        guard let platform = foreignPlatform else { return }
        tell(
            "warning: the requested image's platform (\(platform)) does not match the detected host platform "
                + "(\(Self.hostPlatform))")
    }
}
