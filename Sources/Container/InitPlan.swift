import AgentAPI
import Protobuf

/// What a container's init is to do.
struct InitPlan: Codable, Equatable, Sendable {
    /// It joins a container that is there: of `spec` only `process`, `seccomp` and `personality` count.
    var joins = false
    var spec = ContainerSpec()
    /// Where the container's writable layer is; empty: it has none.
    var layer = ""
    /// What `spec.seccomp` becomes, which is nil then.
    var filter: SeccompProgram?
    /// CLONE_NEW* flags of namespaces of another process that the init joins by itself: it was made before it had a plan.
    var lateNamespaces: UInt64 = 0

    enum CodingKeys: Int, CodingKey { case joins = 1, spec, layer, filter, lateNamespaces }

    /// In bytes.
    static let limit = Protobuf.defaultMaximumBytes

    /// The plan as bytes.
    func encoded() throws(ContainerError) -> [UInt8] {
        do throws(ProtobufError) {
            return try Protobuf.encode(self)
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
            self = try Protobuf.decode(InitPlan.self, from: bytes, maximumBytes: Self.limit)
        } catch {
            throw ContainerError("read the plan", "\(error)")
        }
    }
}
