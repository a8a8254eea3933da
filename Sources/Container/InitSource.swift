import AgentAPI
import EventLoop
import Linux

/// Where the processes of containers come from: copies of the zygote, of which one may be there before it is needed.
@EventLoop public final class InitSource {
    /// What the one that is made ahead has of its own. The cgroup namespace each init makes when it is in its cgroup.
    private static let preparedNamespaces: Namespaces = [.mount, .pid, .network, .ipc, .uts]

    private let zygote: Zygote
    /// Where prepared ones mount.
    private let place: String
    private let limit: Duration
    private(set) var prepared: ContainerProcess?
    /// What an init was told to do; nil when the zygote has decoded one.
    private var plan: [UInt8]? = []

    /// The zygote has decoded a plan.
    var hasLearned: Bool { plan == nil }

    nonisolated init(program: consuming OwnedFD, place: String, limit: Duration) {
        self.place = place
        zygote = Zygote(program: program)
        self.limit = limit
    }

    /// Has an init made and waiting, for a container that is made later; the zygote has decoded a plan before, if there
    /// was one.
    public func prepare() async throws(ContainerError) {
        guard prepared == nil else { return }
        let plan = plan ?? []
        prepared = try await attempt(isJoining: false) { [zygote, place, limit] in
            if !plan.isEmpty { try await zygote.rehearse(plan, place: place) }
            var copy = ZygoteRequest.Copy()
            (copy.newNamespaces, copy.isPrepared) = (Self.preparedNamespaces, true)
            let process = try ContainerProcess(try await zygote.make(copy), limit: limit)
            do {
                // Or a machine that is saved now has it to do in each of its clones.
                try await process.awaitPrepared()
            } catch {
                await process.discard()
                throw error
            }
            return process
        }
        if !plan.isEmpty { self.plan = nil }
    }

    /// The one that is there, if it will do.
    func takePrepared(for plan: InitPlan) -> ContainerProcess? {
        guard let process = prepared, Self.fits(plan) else { return nil }
        prepared = nil
        return process.exit.current == nil ? process : nil
    }

    /// Whatever it has is either to be the container's own, or is left for another's.
    static func fits(_ plan: InitPlan) -> Bool {
        let own = Namespaces(rawValue: plan.spec.newNamespaces),
            joined = Namespaces(rawValue: plan.spec.joinedNamespaces)
        return !plan.joins && own.contains(.pid) && !joined.contains(.pid)
            && own.union(joined).union(.mount).isSuperset(of: preparedNamespaces)
            && own.isSubset(of: preparedNamespaces.union(.cgroup))
    }

    /// Makes one.
    /// - Parameters:
    ///   - cgroup: that it is born in.
    ///   - joining: a pidfd of whose namespaces it shares, or whose container it becomes a part of.
    func make(
        _ plan: InitPlan, cgroup: Int32?, joining: Int32?
    ) async throws(ContainerError) -> ContainerProcess {
        let own = Namespaces(rawValue: plan.spec.newNamespaces)
        var copy = ZygoteRequest.Copy()
        // The mount namespace always: the init changes the root. The cgroup's it makes itself, in its cgroup.
        if plan.joins {
            copy.joinNamespaces = own.subtracting(.mount)
        } else {
            copy.newNamespaces = own.subtracting(.cgroup).union(.mount)
            copy.joinNamespaces = Namespaces(rawValue: plan.spec.joinedNamespaces)
        }
        let request = copy
        return try await attempt(isJoining: joining != nil) { [zygote, limit] in
            let made = try await zygote.make(
                request, joining: request.joinNamespaces.isEmpty ? nil : joining, cgroup: cgroup)
            return try ContainerProcess(made, limit: limit)
        }
    }

    /// For the zygote: whoever decodes one first takes a hundred times as long as the next.
    func note(_ plan: [UInt8]) {
        if self.plan != nil { self.plan = plan }
    }

    private func attempt(
        isJoining: Bool, _ body: @EventLoop () async throws -> ContainerProcess
    ) async throws(ContainerError) -> ContainerProcess {
        do {
            return try await body()
        } catch let error as SystemCallError where error.code == ErrorNumber.again && isJoining {
            throw ContainerError("make the process", "the container has as many processes as it may")
        } catch {
            throw ContainerError("make the process", "\(error)")
        }
    }
}
