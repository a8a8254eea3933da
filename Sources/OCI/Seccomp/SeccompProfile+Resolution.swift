extension SeccompProfile {
    /// The rules that hold for `target`, in the profile's order, as an OCI block. Nil if the profile has neither default
    /// action nor rules: then there is no filter. Rules without names are left out.
    /// - Throws: what is contradictory or unknown in the profile; conditions of rules that are not for `target` for
    ///   another reason are not looked at.
    public func resolved(for target: SeccompTarget) throws(SeccompProfileError) -> RuntimeSpec.Seccomp? {
        let rules = syscalls ?? []
        let action = defaultAction ?? ""
        if action.isEmpty && rules.isEmpty { return nil }
        guard let defaultAction = RuntimeSpec.Seccomp.Action(rawValue: action) else {
            throw .invalidDefaultAction(SpecPath.shortened(action))
        }
        var result = RuntimeSpec.Seccomp(defaultAction: defaultAction)
        result.defaultErrnoRet = try Self.errno(named: defaultErrno, else: defaultErrnoRet)
        result.architectures = try architectures(on: target.architecture)
        result.flags = flags
        result.listenerPath = listenerPath
        result.listenerMetadata = listenerMetadata
        var resolved: [RuntimeSpec.Seccomp.Rule] = []
        for (index, rule) in rules.enumerated() where try rule.holds(for: target) {
            let names = try rule.allNames(index: index)
            guard !names.isEmpty else { continue }
            var made = RuntimeSpec.Seccomp.Rule(names: names, action: rule.action)
            made.errnoRet = try Self.errno(named: rule.errno, else: rule.errnoRet)
            made.args = rule.args?.isEmpty == true ? nil : rule.args
            resolved.append(made)
        }
        result.syscalls = resolved
        return result
    }

    /// Nil means the machine's own only.
    private func architectures(
        on machine: SeccompTarget.Architecture
    ) throws(SeccompProfileError) -> [String]? {
        let listed = architectures ?? []
        let map = archMap ?? []
        guard listed.isEmpty || map.isEmpty else { throw .architecturesTwice }
        if !listed.isEmpty { return listed }
        guard let own = map.first(where: { $0.architecture == machine.libseccompName }) else { return nil }
        return [own.architecture] + (own.subArchitectures ?? [])
    }

    private static func errno(named name: String?, else number: UInt?) throws(SeccompProfileError) -> UInt? {
        guard let name, !name.isEmpty else { return number }
        guard let number = ErrnoNames.number(of: name) else { throw .unknownErrno(SpecPath.shortened(name)) }
        return number
    }
}

extension SeccompProfile.Rule {
    fileprivate func allNames(index: Int) throws(SeccompProfileError) -> [String] {
        guard let name, !name.isEmpty else { return names ?? [] }
        guard names?.isEmpty ?? true else { throw .namesTwice(rule: index) }
        return [name]
    }

    fileprivate func holds(for target: SeccompTarget) throws(SeccompProfileError) -> Bool {
        let architecture = target.architecture.rawValue
        if let excludes {
            if excludes.arches?.contains(architecture) == true { return false }
            if excludes.caps?.contains(where: target.capabilities.contains) == true { return false }
            if let version = try excludes.version(), target.kernel >= version { return false }
        }
        if let includes {
            if let arches = includes.arches, !arches.isEmpty, !arches.contains(architecture) { return false }
            if includes.caps?.allSatisfy(target.capabilities.contains) == false { return false }
            if let version = try includes.version(), target.kernel < version { return false }
        }
        return true
    }
}

extension SeccompProfile.Filter {
    fileprivate func version() throws(SeccompProfileError) -> SeccompTarget.KernelVersion? {
        guard let minKernel, !minKernel.isEmpty else { return nil }
        guard let version = SeccompTarget.KernelVersion(minKernel) else {
            throw .invalidKernelVersion(SpecPath.shortened(minKernel))
        }
        return version
    }
}

extension SeccompProfile {
    /// What it says for containers of our guests that have these capabilities.
    public func forGuests(capabilities: [String]) throws(SeccompProfileError) -> RuntimeSpec.Seccomp? {
        try resolved(
            for: SeccompTarget(
                capabilities: Set(capabilities), architecture: .amd64,
                kernel: SeccompTarget.KernelVersion(major: 6, minor: 1)))
    }
}
