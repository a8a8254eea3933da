import AgentAPI
import Linux

/// The process that containers' inits are copies of: the agent's own program again, with one thread. A copy has the Swift
/// runtime ready and need not execute anything, which takes longer than all that an init does. `main` calls `run`.
///
/// It is not to be looked into: copies are in containers' namespaces before they have executed their program.
public enum ZygoteProcess {
    /// argv[0] by which `main` knows it.
    public static let programName = "container-zygote"
    static let channelNumber: Int32 = 3

    /// Answers requests until nobody can make any; in a copy it is the init, and never returns either.
    public static func run(
        compilingFilters compile: ContainerInit.FilterCompiler = ContainerInit.refuseFilter
    ) -> Never {
        let channel = OwnedFD(owning: channelNumber)
        do throws(SystemCallError) {
            try Privileges.setDumpable(false)
            let home = try PidFD(CurrentProcess.parent)
            var preparation = ContainerInit.Preparation()
            while let request = try nextRequest(channel) {
                try answer(request, channel, home, &preparation, compile)
            }
        } catch {
            CurrentProcess.writeError(Array("\(programName): \(error)\n".utf8))
            CurrentProcess.exit(1)
        }
        CurrentProcess.exit(0)
    }

    private static func nextRequest(
        _ channel: borrowing OwnedFD
    ) throws(SystemCallError) -> (request: ZygoteRequest, descriptors: DescriptorList)? {
        let (bytes, descriptors) = try UnixSocket.receive(
            upTo: ZygoteRequest.limit, descriptorLimit: 3, over: channel)
        guard !bytes.isEmpty else { return nil }
        guard let request = ZygoteRequest(bytes) else { throw SystemCallError("recvmsg", code: ErrorNumber.invalid) }
        return (request, descriptors)
    }

    private static func answer(
        _ request: (request: ZygoteRequest, descriptors: DescriptorList), _ channel: borrowing OwnedFD,
        _ home: borrowing PidFD, _ preparation: inout ContainerInit.Preparation,
        _ compile: ContainerInit.FilterCompiler
    ) throws(SystemCallError) {
        let answer: ZygoteAnswer
        do throws(SystemCallError) {
            guard let first = request.descriptors.takeFirst() else {
                throw SystemCallError("recvmsg", code: ErrorNumber.invalid)
            }
            switch request.request {
            case .rehearse(let place):
                // A plan that cannot be decoded is told to whoever is to carry it out.
                if let bytes = try? first.readAll(limit: InitPlan.limit), let plan = try? InitPlan(decoding: bytes) {
                    preparation.mounts = KernelMounts.split(plan.spec)?.own
                    preparation.place = place
                }
                return try UnixSocket.send(ZygoteAnswer.made(0).encoded, descriptors: [], over: channel)
            case .copy(let copy):
                let cgroup = copy.hasCgroup ? request.descriptors.takeFirst() : nil
                let joined = request.descriptors.takeFirst()
                var plan = ForkPlan()
                (plan.newNamespaces, plan.joinNamespaces) = (copy.newNamespaces, copy.joinNamespaces)
                let outcome = try plan.perform(
                    keeping: first.withRaw { $0 }, as: ContainerInit.channelNumber, home: home,
                    joining: number(of: joined), cgroup: number(of: cgroup))
                switch consume outcome {
                case .copy:
                    ContainerInit.run(copy.isPrepared ? preparation : nil, compilingFilters: compile)
                case .made(let child):
                    let pidfd = child.pidfd.fd.withRaw { $0 }
                    return try UnixSocket.send(
                        ZygoteAnswer.made(child.pid).encoded, descriptors: [pidfd], over: channel)
                }
            }
        } catch {
            answer = .failed(call: error.call, code: error.code)
        }
        try UnixSocket.send(answer.encoded, descriptors: [], over: channel)
    }

    private static func number(of descriptor: borrowing OwnedFD?) -> Int32? {
        switch descriptor {
        case .some(let descriptor): descriptor.withRaw { $0 }
        case .none: nil
        }
    }
}
