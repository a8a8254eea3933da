import TTRPC

/// Why a call to the sandbox failed, with the code that its caller decides by.
struct SandboxError: Error, Equatable, Sendable, CustomStringConvertible {
    let code: TTRPCCode
    let description: String

    init(_ code: TTRPCCode, _ description: String) {
        self.code = code
        self.description = description
    }

    /// Somebody has ended the pod before what was asked for could be done.
    static let podWasStopped = SandboxError(.aborted, "the pod was stopped")
}
