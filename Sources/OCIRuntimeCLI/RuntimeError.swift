import OCI

/// What a command says before it fails, in runc's words where engines look for those.
struct RuntimeError: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32

    init(_ description: String, exitCode: Int32 = 1) { (self.description, self.exitCode) = (description, exitCode) }

    /// Of a document that asks for what cannot be.
    init(_ review: SpecReview) { self.init(review.toldRefusals) }

    static let exists = RuntimeError("container with given ID already exists")
    static let missing = RuntimeError("container does not exist")
    static let invalidID = RuntimeError("invalid container ID format")
    static let emptyID = RuntimeError("container id cannot be empty")
    static let notRunning = RuntimeError("container not running")
    static let notPaused = RuntimeError("container not paused")
}
