import AgentAPI
import Protobuf

/// What a container's init is to do.
struct InitPlan: Equatable, Sendable {
    /// It joins a container that is there: of `spec` only `process`, `seccomp` and `personality` count.
    var joins = false
    var spec: ContainerSpec
    /// `spec` before it was read, for who passes it on; its seccomp profile does not count where there is a `filter`.
    var encodedSpec: Encoded<ContainerSpec>?
    /// Where the container's writable layer is; empty: it has none.
    var layer: String
    /// What `spec.seccomp` becomes, which is nil then.
    var filter: SeccompProgram?
    /// CLONE_NEW* flags of namespaces of another process that the init joins by itself: it was made before it had a plan.
    var lateNamespaces: UInt64 = 0

    /// On its way.
    private struct Message: Codable {
        var joins: Bool
        var spec: Encoded<ContainerSpec>
        var layer: String
        var filter: SeccompProgram?
        var lateNamespaces: UInt64
        enum CodingKeys: Int, CodingKey { case joins = 1, spec, layer, filter, lateNamespaces }
    }

    /// In bytes.
    static let limit = Protobuf.defaultMaximumBytes

    /// The plan as bytes.
    func encoded() throws(ContainerError) -> [UInt8] {
        do throws(ProtobufError) {
            let encodedSpec = if let encodedSpec { encodedSpec } else { try Encoded(spec) }
            let message = Message(
                joins: joins, spec: encodedSpec, layer: layer, filter: filter, lateNamespaces: lateNamespaces)
            return try Protobuf.encode(message)
        } catch {
            throw ContainerError("write the plan", "\(error)")
        }
    }

    init(joins: Bool, spec: ContainerSpec, layer: String = "", filter: SeccompProgram? = nil) {
        (self.joins, self.spec, self.layer, self.filter) = (joins, spec, layer, filter)
        if filter != nil { self.spec.seccomp = nil }
    }

    var isFiltered: Bool { spec.seccomp != nil || filter != nil }

    /// - Throws: `ContainerError` when `bytes` are no plan.
    init(decoding bytes: [UInt8]) throws(ContainerError) {
        do throws(ProtobufError) {
            let message = try Protobuf.decode(Message.self, from: bytes, maximumBytes: Self.limit)
            self.init(
                joins: message.joins, spec: try message.spec.decoded(), layer: message.layer, filter: message.filter)
            lateNamespaces = message.lateNamespaces
        } catch {
            throw ContainerError("read the plan", "\(error)")
        }
    }
}
