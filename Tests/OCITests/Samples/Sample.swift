import Testing

/// A config.json for tests, written in the shape that an engine gives it.
struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let json: String

    var bytes: [UInt8] { json.bytes }
    var testDescription: String { name }

    static let all = [docker, containerd, podman, crio, complete]
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}
