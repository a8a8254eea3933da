import EventLoop
import FrontEnd
import Images
import Linux
import OCI

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
    /// - Parameter isQuiet: nothing is said of a pull.
    /// - Throws: `CLIError` with 125.
    @EventLoop func image(
        _ reference: String, _ policy: PullPolicy = .never, isQuiet: Bool = false
    ) async throws -> StoredImage {
        do {
            let image = try await find(reference, policy, isQuiet: isQuiet)
            try image.checkSystem(reference)
            image.tellForeignPlatform()
            return image
        } catch {
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
    }

    @EventLoop private func find(
        _ reference: String, _ policy: PullPolicy, isQuiet: Bool
    ) async throws -> StoredImage {
        let store = try images()
        func pull(_ name: ImageReference) async throws -> StoredImage {
            let image = try await store.pull(name, progress: ImageVerbs.progress(quiet: isQuiet))
            emit(image: "\(image.id)", "pull", name: name.pulledName)
            return image
        }
        switch policy {
        case .never: return try await store.resolve(reference)
        case .always: return try await pull(ImageReference(reference))
        case .missing:
            do {
                return try await store.resolve(reference)
            } catch ImageError.notFound(let subject) {
                // An id names nothing in a registry.
                guard let name = try? ImageReference(reference) else { throw ImageError.notFound(subject) }
                if !isQuiet { tellPlainly("Unable to find image '\(name.familiarName)' locally") }
                return try await pull(name)
            }
        }
    }
}

/// `--pull`: when an image is fetched from its registry.
enum PullPolicy: String, CaseIterable {
    case missing, always, never
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
