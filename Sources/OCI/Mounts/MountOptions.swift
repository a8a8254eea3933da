/// The `options` of a mount in config.json, sorted by who acts on them. Later options win over earlier ones.
/// Source: config.md, "Linux mount options"; the names are those that runc 1.1 knows.
public struct MountOptions: Equatable, Sendable {
    /// Options of one mount that are read.
    public static let maximumOptions = 256
    /// Bytes of one mount's options together: mount(2) takes a page of data.
    public static let maximumBytes = 4096

    /// Flags of mount(2) to set.
    public private(set) var flags: MountFlags = []
    /// Flags that were switched off by name: a bind mount drops them even if its source has them.
    public private(set) var clearedFlags: MountFlags = []
    /// Changes of propagation, in this order.
    public private(set) var propagation: [MountPropagation] = []
    /// `attr_set` of mount_setattr(2) with AT_RECURSIVE.
    public private(set) var recursiveAttributes: MountAttributes = []
    /// `attr_clr` of the same call; not empty if access times are set, as the kernel demands.
    public private(set) var clearedRecursiveAttributes: MountAttributes = []
    /// What the mount, a new tmpfs, covers is copied into it.
    public private(set) var copiesUp = false
    /// Options for the file system, in this order.
    public private(set) var data: [String] = []
    /// Options that are accepted without being applied, such as SELinux contexts.
    public private(set) var metByVM: [String] = []

    /// Whether a bind mount is asked for; engines write any `type` beside it.
    public var isBind: Bool { flags.contains(.bind) }

    /// An option that acts on a file system, not on a mount: for a bind the kernel would pass over it.
    public var unsuitableForBind: String? {
        if let option = data.first { return option }
        let table = Self.table.first { entry in
            guard case .set(let flag) = entry.meaning else { return false }
            return !flag.isDisjoint(with: .ofFileSystem) && flags.contains(flag)
        }
        return table?.name
    }

    /// Reads options. An empty one is ignored.
    /// - Throws: the first option that is refused, or a limit that is exceeded.
    public static func parse(_ options: [String]) throws(MountOptionError) -> MountOptions {
        guard options.count <= maximumOptions else {
            throw .tooMany(count: options.count, limit: maximumOptions)
        }
        var bytes = 0
        var result = MountOptions()
        for option in options where !option.isEmpty {
            bytes += option.utf8.count + 1
            guard bytes <= maximumBytes else { throw .tooLong(limit: maximumBytes) }
            try result.add(option)
        }
        return result
    }

    private mutating func add(_ option: String) throws(MountOptionError) {
        guard !option.utf8.contains(0) else { throw .refused(option: option, reason: "contains a NUL byte") }
        switch Self.meaning(of: option) {
        case nil: data.append(option)
        case .nothing: break
        case .set(let flag):
            flags.formUnion(flag)
            clearedFlags.subtract(flag)
        case .clear(let flag):
            flags.subtract(flag)
            clearedFlags.formUnion(flag)
        case .propagation(let change): propagation.append(change)
        case .setRecursively(let attribute):
            recursiveAttributes.formUnion(attribute)
            clearedRecursiveAttributes.subtract(attribute)
        case .clearRecursively(let attribute):
            recursiveAttributes.subtract(attribute)
            clearedRecursiveAttributes.formUnion(attribute)
        case .accessTimeRecursively(let attribute):
            // One field of the kernel's, not flags: whatever was there goes, and attr_clr must hold the whole mask.
            recursiveAttributes.subtract(.accessTimeMask)
            recursiveAttributes.formUnion(attribute)
            clearedRecursiveAttributes.formUnion(.accessTimeMask)
        case .copyUp(let isWanted): copiesUp = isWanted
        case .metByVM: metByVM.append(option)
        case .refused(let reason): throw .refused(option: option, reason: reason)
        }
    }

    /// The class of one option, for `SpecReview`: of a mount with that type and these options, of which it is one.
    public static func treatment(
        of option: String, type: String? = "tmpfs", among options: @autoclosure () -> [String] = []
    ) -> SpecTable.Treatment {
        guard !option.utf8.contains(0) else { return .refused("contains a NUL byte") }
        switch meaning(of: option) {
        case .refused(let reason): return .refused(reason)
        case .metByVM(let reason): return .metByVM(reason)
        case .copyUp(true) where type != "tmpfs" || options().contains(where: isOfOldMount):
            return .refused("is only supported for a new tmpfs")
        case nil, .nothing, .set, .clear, .propagation, .setRecursively, .clearRecursively, .accessTimeRecursively,
            .copyUp:
            return .applied
        }
    }

    /// Whether nothing new is mounted with it, whatever the type says.
    private static func isOfOldMount(_ option: String) -> Bool {
        guard case .set(let flags) = meaning(of: option) else { return false }
        return !flags.isDisjoint(with: [.bind, .remount])
    }
}

/// Why mount options were not accepted.
public enum MountOptionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// This option cannot be applied; the reason says why.
    case refused(option: String, reason: String)
    /// More options than `MountOptions.maximumOptions`.
    case tooMany(count: Int, limit: Int)
    /// More bytes than `MountOptions.maximumBytes`.
    case tooLong(limit: Int)

    /// One line for a person.
    public var description: String {
        switch self {
        case .refused(let option, let reason): "mount option \"\(SpecPath.shortened(option))\": \(reason)"
        case .tooMany(let count, let limit): "\(count) mount options, the limit is \(limit)"
        case .tooLong(let limit): "mount options with more than \(limit) bytes together"
        }
    }
}
