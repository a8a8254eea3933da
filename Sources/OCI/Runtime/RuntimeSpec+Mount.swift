extension RuntimeSpec {
    /// One mount of the container.
    public struct Mount: Codable, Equatable, Sendable {
        /// Absolute path in the container.
        public var destination: String
        /// File system type; engines write `bind` for bind mounts, which counts less than the option of that name.
        public var type: String?
        /// Device, host path (relative to the bundle if not absolute) or any name, by type.
        public var source: String?
        /// fstab-like options; `MountOptions` reads them.
        public var options: [String]?
        /// User id mappings of an idmapped mount.
        public var uidMappings: [IDMapping]?
        /// Group id mappings of an idmapped mount.
        public var gidMappings: [IDMapping]?

        /// A mount at `destination` without source or options.
        public init(destination: String) { self.destination = destination }
    }

    /// What a bind mount shows of the host.
    public struct Bind: Equatable, Sendable {
        /// As the mount has it: relative to the bundle if not absolute.
        public var source: String
        /// With the mounts below it.
        public var recursive: Bool
        /// Nothing can be written through it.
        public var readOnly: Bool
    }

    /// A range of ids inside and outside of a user namespace.
    public struct IDMapping: Codable, Equatable, Sendable {
        /// First id inside.
        public var containerID: UInt32
        /// First id outside.
        public var hostID: UInt32
        /// Number of ids.
        public var size: UInt32

        /// The `size` ids from `hostID` on, seen inside from `containerID` on.
        public init(containerID: UInt32, hostID: UInt32, size: UInt32) {
            self.containerID = containerID
            self.hostID = hostID
            self.size = size
        }
    }
}

extension RuntimeSpec.Mount {
    /// Nil for any other mount, and for one with options that the review refuses.
    public var bind: RuntimeSpec.Bind? {
        guard let options = try? MountOptions.parse(options ?? []), options.isBind || type == "bind",
            let source, !source.isEmpty
        else { return nil }
        return RuntimeSpec.Bind(
            source: source, recursive: options.flags.contains(.recursive),
            readOnly: options.flags.contains(.readOnly) || options.recursiveAttributes.contains(.readOnly))
    }
}
