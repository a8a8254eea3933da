import AgentAPI
import Protobuf

/// What a container's init is to do.
struct InitPlan: Codable, Equatable, Sendable {
    /// It joins a container that is there: of `spec` only `process`, `seccomp` and `personality` count.
    var joins = false
    var spec = ContainerSpec()
    /// Where the container's writable layer is; empty: it has none.
    var layer = ""

    enum CodingKeys: Int, CodingKey { case joins = 1, spec, layer }

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

    init(joins: Bool, spec: ContainerSpec, layer: String = "") {
        (self.joins, self.spec, self.layer) = (joins, spec, layer)
    }

    /// - Throws: `ContainerError` when `bytes` are no plan.
    init(decoding bytes: [UInt8]) throws(ContainerError) {
        do throws(ProtobufError) {
            self = try Protobuf.decode(InitPlan.self, from: bytes, maximumBytes: Self.limit)
        } catch {
            throw ContainerError("read the plan", "\(error)")
        }
    }
}
