import Linux

/// The message that an init waits for: what it is to do, and with which descriptors.
///
///     1 byte   flags: the plan is in a descriptor; a process comes with it whose namespaces are joined
///     …        the plan, unless it is in a descriptor
///     descriptors: 0, 1 and 2; the plan; the process
struct InitOrder: ~Copyable {
    let plan: InitPlan
    private let joined: OwnedFD?

    /// Longer plans come in a descriptor.
    private static let inlineLimit = 64 << 10
    private static let planIsFile: UInt8 = 1, joinsProcess: UInt8 = 2

    // MARK: At its maker's

    /// Sends it.
    /// - Parameters:
    ///   - streams: nil: /dev/null for all.
    ///   - joined: a pidfd.
    static func send(
        _ plan: [UInt8], streams: StandardStreams?, joined: Int32?, over channel: borrowing OwnedFD
    ) throws(SystemCallError) {
        let null = try Files.open("/dev/null", .readWrite)
        let nothing = null.withRaw { $0 }
        var descriptors = [streams?.input ?? nothing, streams?.output ?? nothing, streams?.error ?? nothing]
        var flags: UInt8 = 0
        // Kept open until the message has gone.
        var file: OwnedFD?
        if plan.count > inlineLimit {
            let planFile = try Files.inMemory(plan, name: "container-plan")
            descriptors.append(planFile.withRaw { $0 })
            file = consume planFile
            flags |= planIsFile
        }
        if let joined {
            descriptors.append(joined)
            flags |= joinsProcess
        }
        let bytes = [flags] + (flags & planIsFile == 0 ? plan : [])
        try UnixSocket.send(bytes, descriptors: descriptors, over: channel)
        _ = consume file
    }

    // MARK: In the init

    /// Waits for it; the descriptors become this process's standard streams. When nobody sends one, the process ends.
    static func receive(over channel: borrowing OwnedFD) throws(ContainerError) -> InitOrder {
        let (bytes, descriptors) = try stage("read the plan") { () throws(SystemCallError) in
            try UnixSocket.receive(upTo: inlineLimit + 1, descriptorLimit: 5, over: channel)
        }
        guard let flags = bytes.first else { CurrentProcess.exit(1) }
        let planBytes = try stage("read the plan") { () throws(SystemCallError) in
            try CurrentProcess.closeOnExecute(from: 3)
            for number in Int32(0)...2 {
                guard let stream = descriptors.takeFirst() else {
                    throw SystemCallError("recvmsg", code: ErrorNumber.invalid)
                }
                try CurrentProcess.duplicate(stream, to: number)
            }
            guard flags & planIsFile != 0 else { return Array(bytes.dropFirst()) }
            guard let file = descriptors.takeFirst() else {
                throw SystemCallError("recvmsg", code: ErrorNumber.invalid)
            }
            return try file.readAll(limit: InitPlan.limit)
        }
        let plan = try InitPlan(decoding: planBytes)
        return InitOrder(plan: plan, joined: flags & joinsProcess != 0 ? descriptors.takeFirst() : nil)
    }

    private init(plan: InitPlan, joined: consuming OwnedFD?) {
        self.plan = plan
        self.joined = joined
    }

    /// Moves this process into namespaces of the one that came with the order.
    borrowing func join(_ namespaces: Namespaces) throws(ContainerError) {
        guard !namespaces.isEmpty else { return }
        try stage("join the container") { () throws(SystemCallError) in
            switch joined {
            case .some(let process): try namespaces.join(process)
            case .none: throw SystemCallError("setns", code: ErrorNumber.invalid)
            }
        }
    }
}
