import AgentAPI
import OCI

/// From config.json to what the agent is told: judges every field that `SpecTable` calls applied, so that a value that
/// the guest could not apply is an error on the host, with the field's name. Pure; it looks at no file.
///
/// Not carried over is what the table calls met by the VM.
public enum ContainerTranslation {
    /// Bytes of a host or domain name. Source: __NEW_UTS_LEN in include/uapi/linux/utsname.h.
    public static let maximumNameBytes = 64

    /// Translates a specification.
    /// - Parameters:
    ///   - spec: the document; `root.path` is not looked at.
    ///   - rootfs: where the root is in the guest. `root.readonly` can only make it read-only.
    ///   - user: `user[:group]` for the agent to look up; not empty: decides instead of `process.user`'s ids.
    ///   - id: the container's, for its hooks.
    ///   - bundle: where the document is, for its hooks.
    ///   - review: of the document, when it has been reviewed.
    ///   - binds: the guest's path of a bind mount's source, which it gets as the document has it; nil: not shared.
    /// - Throws: `.refused` before anything else is looked at, then the first field that is not acceptable.
    public static func translate(
        _ spec: RuntimeSpec, rootfs: RootFileSystem, user: String = "", id: String = "", bundle: String = "",
        review: SpecReview? = nil, binds: (String) -> String?
    ) throws(TranslationError) -> ContainerSpec {
        let judged = try refuse { () throws(SpecError) in
            if let review { return review }
            return try SpecReview.review(spec)
        }
        guard let process = spec.process else { throw .missing(field: "process") }
        var container = ContainerSpec()
        container.root = rootfs
        container.root.readOnly = rootfs.readOnly || spec.root?.readonly == true
        container.process = try Self.process(process)
        container.process.user.name = try FieldChecks.text(user, "user")
        container.hostname = try name(spec.hostname, "hostname")
        container.domainname = try name(spec.domainname, "domainname")
        container.mounts = try mounts(spec.mounts ?? [], binds: binds)
        try apply(spec.annotations ?? [:], to: &container)
        container.hooks = try hooks(of: spec, id: id, bundle: bundle)
        guard let linux = spec.linux else { return container }
        container.personality = linux.personality.map { personality($0.domain) }
        // A container is to see its own limits, whoever shares the machine with it.
        container.newNamespaces = flags((linux.namespaces ?? []).map(\.type) + [.cgroup])
        container.hasGuestDevices = container.hasGuestDevices || judged.allowsAllDevices
        container.devices = try devices(linux.devices ?? [])
        container.sysctls = try sysctls(linux.sysctl ?? [:])
        container.maskedPaths = try FieldChecks.containedPaths(linux.maskedPaths, "linux.maskedPaths")
        container.readonlyPaths = try FieldChecks.containedPaths(linux.readonlyPaths, "linux.readonlyPaths")
        container.rootfsPropagation = try rootfsPropagation(linux.rootfsPropagation ?? "")
        if let seccomp = linux.seccomp { container.seccomp = try Self.profile(seccomp) }
        if let resources = linux.resources {
            container.resources.files = try CgroupFiles.translate(resources)
            container.resources.deviceRules = try deviceRules(resources.devices ?? [])
        }
        return container
    }

    @discardableResult
    static func refuse(_ review: () throws(SpecError) -> SpecReview) throws(TranslationError) -> SpecReview {
        let result: SpecReview
        do throws(SpecError) {
            result = try review()
        } catch {
            throw .notReviewed(error)
        }
        guard result.refusals.isEmpty else { throw .refused(result.refusals, omitted: result.omitted) }
        return result
    }

    /// PER_*. Source: include/uapi/linux/personality.h.
    private static func personality(_ domain: RuntimeSpec.Personality.Domain) -> UInt32 {
        switch domain {
        case .linux: 0
        case .linux32: 8
        }
    }

    static func name(_ value: String?, _ field: String) throws(TranslationError) -> String {
        let name = try FieldChecks.text(value ?? "", field)
        guard name.utf8.count <= maximumNameBytes else {
            throw .invalid(field, name, "has more than \(maximumNameBytes) bytes")
        }
        return name
    }

    /// CLONE_NEW* of the namespaces. Source: include/uapi/linux/sched.h.
    static func flags(_ namespaces: [RuntimeSpec.Namespace.Kind]) -> UInt64 {
        namespaces.reduce(0) { mask, namespace in
            let flag: UInt64 =
                switch namespace {
                case .time: 0x80
                case .mount: 0x2_0000
                case .cgroup: 0x200_0000
                case .uts: 0x400_0000
                case .ipc: 0x800_0000
                case .user: 0x1000_0000
                case .pid: 0x2000_0000
                case .network: 0x4000_0000
                }
            return mask | flag
        }
    }

    private static func rootfsPropagation(_ option: String) throws(TranslationError) -> UInt64 {
        guard !option.isEmpty else { return 0 }
        guard let propagation = MountPropagation(option: option) else {
            throw .invalid("linux.rootfsPropagation", option, "is no propagation type")
        }
        return propagation.rawValue
    }

    /// Parameters by name. A name becomes a path below /proc/sys in the guest and must stay there.
    static func sysctls(_ values: [String: String]) throws(TranslationError) -> [String: String] {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            try FieldChecks.kernelParameter(name, "linux.sysctl")
            _ = try FieldChecks.text(value, "linux.sysctl.\(Shown.shortened(name))")
        }
        return values
    }
}
