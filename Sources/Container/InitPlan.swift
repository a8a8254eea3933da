import AgentAPI
import Protobuf

/// What a container's init is to do.
struct InitPlan: Codable, Equatable, Sendable {
    /// It joins a container that is there: of `spec` only `process`, `seccomp` and `personality` count.
    var joins = false
    var spec = ContainerSpec()

    enum CodingKeys: Int, CodingKey { case joins = 1, spec }

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

    init(joins: Bool, spec: ContainerSpec) {
        self.joins = joins
        self.spec = spec
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
