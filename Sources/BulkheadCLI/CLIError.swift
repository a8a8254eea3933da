/// What a command says before it fails: one line, and the exit code that its users expect.
struct CLIError: Error, CustomStringConvertible {
    /// What went wrong, on what, and what to do.
    let description: String
    let exitCode: Int32

    /// docker's codes: 125 for what kept a container from being run, 1 for everything else.
    static let notRun: Int32 = 125, failed: Int32 = 1

    init(_ description: String, exitCode: Int32 = CLIError.failed) {
        self.description = description
        self.exitCode = exitCode
    }
}
