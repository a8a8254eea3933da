extension RuntimeSpec {
    /// Block I/O limits.
    public struct BlockIO: Codable, Equatable, Sendable {
        /// Weight, 10 to 1000; 0 is unset.
        public var weight: UInt16?
        /// Weight against child cgroups, v1 only.
        public var leafWeight: UInt16?
        /// Weights by device.
        public var weightDevice: [WeightDevice]?
        /// Bytes read per second, by device.
        public var throttleReadBpsDevice: [ThrottleDevice]?
        /// Bytes written per second, by device.
        public var throttleWriteBpsDevice: [ThrottleDevice]?
        /// Reads per second, by device.
        public var throttleReadIOPSDevice: [ThrottleDevice]?
        /// Writes per second, by device.
        public var throttleWriteIOPSDevice: [ThrottleDevice]?

        /// No limits.
        public init() {}
    }

    /// Weights of one block device.
    public struct WeightDevice: Codable, Equatable, Sendable {
        /// Major number.
        public var major: Int64
        /// Minor number.
        public var minor: Int64
        /// Weight, 10 to 1000.
        public var weight: UInt16?
        /// Weight against child cgroups, v1 only.
        public var leafWeight: UInt16?

        /// That device without weights.
        public init(major: Int64, minor: Int64) {
            self.major = major
            self.minor = minor
        }
    }

    /// Rate of one block device.
    public struct ThrottleDevice: Codable, Equatable, Sendable {
        /// Major number.
        public var major: Int64
        /// Minor number.
        public var minor: Int64
        /// Bytes or operations per second.
        public var rate: UInt64

        /// That rate for that device.
        public init(major: Int64, minor: Int64, rate: UInt64) {
            self.major = major
            self.minor = minor
            self.rate = rate
        }
    }

    /// Classes of network packets, v1 only.
    public struct NetworkClasses: Codable, Equatable, Sendable {
        /// Class of the container's packets.
        public var classID: UInt32?
        /// Priorities by interface.
        public var priorities: [InterfacePriority]?

        /// No classes.
        public init() {}
    }

    /// Priority of packets that leave through an interface.
    public struct InterfacePriority: Codable, Equatable, Sendable {
        /// Interface.
        public var name: String
        /// Priority.
        public var priority: UInt32

        /// That priority on that interface.
        public init(name: String, priority: UInt32) {
            self.name = name
            self.priority = priority
        }
    }
}
