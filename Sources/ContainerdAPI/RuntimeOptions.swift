import Protobuf

/// What containerd's configuration says of a runtime that it knows nothing of.
/// Source: containerd, api/types/runtimeoptions/v1/api.proto (release 2.0).
public struct RuntimeOptions: Codable, Equatable, Sendable {
    /// The name of the message; a type URL may have something before its last slash.
    public static let name = "runtimeoptions.v1.Options"

    /// Of what `configBody` is.
    public var typeURL = ""
    /// A file of the host.
    public var configPath = ""
    /// What would be in a file.
    public var configBody: [UInt8] = []
    public init() {}
    enum CodingKeys: Int, CodingKey { case typeURL = 1, configPath, configBody }

    /// What ctr and others send along for runc, whatever the runtime. Nothing in it is ours.
    private static let runcNames = ["containerd.runc.v1.Options", "containerd.linux.runc.CreateOptions"]

    /// - Parameter bytes: a `google.protobuf.Any`, or nothing.
    /// - Throws: for what is neither, and for a message of a type that is unknown here.
    public static func read(_ bytes: [UInt8]) throws(RuntimeOptionsError) -> RuntimeOptions {
        // From release 2.3 on it is JSON with what the flags and variables say, too.
        guard !bytes.isEmpty, bytes.first != UInt8(ascii: "{") else { return RuntimeOptions() }
        do {
            return try read(Protobuf.decode(ProtobufAny.self, from: bytes))
        } catch let error as RuntimeOptionsError {
            throw error
        } catch {
            throw RuntimeOptionsError("the runtime's options are no google.protobuf.Any: \(error)")
        }
    }

    /// - Throws: for a message that cannot be read, or is of a type that is unknown here.
    public static func read(_ any: ProtobufAny) throws(RuntimeOptionsError) -> RuntimeOptions {
        switch any.typeURL.split(separator: "/").last.map(String.init) ?? "" {
        case "" where any.value.isEmpty: return RuntimeOptions()
        case let name where runcNames.contains(name): return RuntimeOptions()
        case name:
            do {
                return try Protobuf.decode(RuntimeOptions.self, from: any.value)
            } catch {
                throw RuntimeOptionsError("the runtime's options cannot be read: \(error)")
            }
        default:
            throw RuntimeOptionsError(
                "the runtime's options are of the type \(any.typeURL.prefix(120)), which means nothing here: they are of "
                    + "\(name) with the path of a configuration")
        }
    }
}

/// Why the options of a runtime are none.
public struct RuntimeOptionsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// What `-info` prints. Source: containerd, api/types/introspection.proto (release 2.0).
public struct RuntimeInfo: Codable, Equatable, Sendable {
    public struct Version: Codable, Equatable, Sendable {
        public var version = "", revision = ""
        public init(version: String) { self.version = version }
        enum CodingKeys: Int, CodingKey { case version = 1, revision }
    }

    public var name = ""
    public var version: Version?
    /// Those that were on standard input.
    public var options: ProtobufAny?
    /// `features` of the runtime specification, as JSON.
    public var features: ProtobufAny?
    public var annotations: [String: String] = [:]
    public init() {}
    enum CodingKeys: Int, CodingKey { case name = 1, version, options, features, annotations }

    /// The type URL of `features`. Source: containerd, core/runtime/v2/shim.go (release 2.0).
    public static let featuresTypeURL = "types.containerd.io/opencontainers/runtime-spec/1/features/Features"
}
