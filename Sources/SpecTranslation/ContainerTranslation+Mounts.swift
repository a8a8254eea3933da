import AgentAPI
import OCI

extension ContainerTranslation {
    private static let fileSystems: Set<String> = ["tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup2"]

    static func mounts(
        _ mounts: [RuntimeSpec.Mount], binds: (String) -> String?
    ) throws(TranslationError) -> [MountSpec] {
        var result: [MountSpec] = []
        for (index, mount) in mounts.enumerated() {
            result.append(try self.mount(mount, "mounts[\(index)]", binds: binds))
        }
        return result
    }

    private static func mount(
        _ mount: RuntimeSpec.Mount, _ field: String, binds: (String) -> String?
    ) throws(TranslationError) -> MountSpec {
        let options = try self.options(mount.options ?? [], field)
        var result = MountSpec()
        result.destination = try FieldChecks.containedPath(mount.destination, "\(field).destination")
        result.flags = options.flags.rawValue
        result.propagation = try propagation(options.propagation, "\(field).options")
        result.clearedFlags = options.clearedFlags.rawValue
        result.recursiveAttributes = options.recursiveAttributes.rawValue
        result.clearedRecursiveAttributes = options.clearedRecursiveAttributes.rawValue
        result.data = options.data.joined(separator: ",")
        let source = try FieldChecks.text(mount.source ?? "", "\(field).source")
        let type = mount.type ?? ""
        if options.isBind || type == "bind" {
            guard !source.isEmpty else { throw .missing(field: "\(field).source") }
            guard let guestPath = binds(source) else {
                throw .unmappedBind(source: source, destination: mount.destination)
            }
            if let option = options.unsuitableForBind {
                throw .invalid("\(field).options", option, "is for a file system, which a bind shares with its source")
            }
            result.type = "bind"
            result.source = guestPath
            result.flags |= MountFlags.bind.rawValue
        } else if type == "cgroup" {
            result.type = "cgroup2"
            result.source = "cgroup2"
            // They choose hierarchies of version 1; version 2 has one.
            result.data = ""
        } else {
            guard fileSystems.contains(type) else {
                throw .invalid("\(field).type", type, "is no file system that containers get")
            }
            result.type = type
            result.source = source
            result.copiesUp = options.copiesUp
        }
        return result
    }

    private static func options(_ options: [String], _ field: String) throws(TranslationError) -> MountOptions {
        do throws(MountOptionError) {
            return try MountOptions.parse(options)
        } catch {
            throw .mountOptions(field: "\(field).options", error)
        }
    }

    /// The agent makes one change: more than one would depend on their order.
    private static func propagation(
        _ changes: [MountPropagation], _ field: String
    ) throws(TranslationError) -> UInt64 {
        guard let first = changes.first else { return 0 }
        guard changes.allSatisfy({ $0 == first }) else {
            throw .invalid(field, "\(changes.count) changes of propagation", "a mount has one")
        }
        return first.rawValue
    }
}
