import Linux

/// `--cidfile`: a file that says which container it was. It is made before anything else, so that of two commands with the
/// same one only one goes on.
struct IDFile {
    let path: String

    /// Makes it, empty.
    /// - Throws: `CLIError` with 125, also when there is one.
    init(making path: String) throws(CLIError) {
        self.path = path
        do {
            _ = try Files.open(path, [.writeOnly, .create, .exclusive], mode: 0o644)
        } catch {
            let exists = error.code == ErrorNumber.exists
            throw CLIError(
                "--cidfile \(path): "
                    + (exists
                        ? "there is one, of another container perhaps: remove it, or name another" : error.reason),
                exitCode: CLIError.notRun)
        }
    }

    func write(_ id: String) throws(CLIError) {
        do {
            try Files.write(Array(id.utf8), to: path)
        } catch {
            throw CLIError("--cidfile \(path): \(error.reason)", exitCode: CLIError.notRun)
        }
    }

    /// Of a container that has not come to be.
    func remove() {
        try? Files.remove(path)  // The error that it is removed for is the one to tell.
    }
}
