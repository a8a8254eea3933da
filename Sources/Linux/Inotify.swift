import Glibc

/// An inotify instance, inotify(7). Non-blocking: its descriptor becomes readable when something has happened.
public struct Inotify: ~Copyable, Sendable {
    /// IN_* of inotify(7): what a watch waits for, and what an event says.
    public struct Mask: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let modify = Mask(rawValue: 0x002)
        public static let attributes = Mask(rawValue: 0x004)
        public static let movedFrom = Mask(rawValue: 0x040)
        public static let movedTo = Mask(rawValue: 0x080)
        public static let create = Mask(rawValue: 0x100)
        public static let delete = Mask(rawValue: 0x200)
        public static let moveSelf = Mask(rawValue: 0x800)
        /// In events only: events were lost, look at everything again.
        public static let overflow = Mask(rawValue: 0x4000)
        /// In events only: the watch is gone.
        public static let ignored = Mask(rawValue: 0x8000)
        /// For `watch` only: ENOTDIR unless it is a directory.
        public static let onlyDirectory = Mask(rawValue: 0x0100_0000)
    }

    /// One event.
    public struct Event: Sendable, Equatable {
        /// What `watch` returned; -1 for an overflow.
        public let watch: CInt
        public let mask: Mask
        /// The same for the two events of a rename, otherwise 0.
        public let cookie: UInt32
        /// The entry of the watched directory, empty when the event is about the watched file itself.
        public let name: [UInt8]
    }

    /// What one call reads at most. An event has 272 bytes at most.
    private static let bufferBytes = 16 << 10

    public let fd: OwnedFD

    public init() throws(SystemCallError) {
        let nonBlockingCloseOnExec = O_NONBLOCK | O_CLOEXEC
        let number = inotify_init1(nonBlockingCloseOnExec)
        fd = OwnedFD(owning: try checkErrno(number, errno, "inotify_init1"))
    }

    /// Watches a file or the entries of a directory, until it is removed or this value is let go.
    /// - Returns: the number that its events carry.
    public func watch(_ path: String, _ mask: Mask) throws(SystemCallError) -> CInt {
        let number = fd.withRaw { inotify_add_watch($0, path, mask.rawValue) }
        return try checkErrno(number, errno, "inotify_add_watch", path)
    }

    /// As above, of an open directory, which may be O_PATH and in no namespace.
    public func watch(_ directory: borrowing OwnedFD, _ mask: Mask) throws(SystemCallError) -> CInt {
        try directory.withRaw { number throws(SystemCallError) in try watch("/proc/self/fd/\(number)", mask) }
    }

    /// Ends a watch. One that has ended is EINVAL.
    public func remove(_ watch: CInt) throws(SystemCallError) {
        let result = fd.withRaw { inotify_rm_watch($0, watch) }
        try checkErrno(result, errno, "inotify_rm_watch")
    }

    /// The events that have happened, up to 16 KiB of them at a time; empty when there are none.
    public func read() throws(SystemCallError) -> [Event] {
        do {
            return Self.parse(try fd.read(upTo: Self.bufferBytes))
        } catch {
            if error.code == EAGAIN { return [] }
            throw SystemCallError("read", "inotify", code: error.code)
        }
    }

    /// Takes `bytes` of read(2) apart. An event that is cut short ends the list: the kernel never does that.
    static func parse(_ bytes: [UInt8]) -> [Event] {
        let headerBytes = 16
        var events: [Event] = []
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while buffer.count - offset >= headerBytes {
                let field = { buffer.loadUnaligned(fromByteOffset: offset + $0 * 4, as: UInt32.self) }
                let nameBytes = Int(field(3))
                guard nameBytes <= buffer.count - offset - headerBytes else { return }
                let start = offset + headerBytes
                let name = buffer[start..<start + nameBytes].prefix { $0 != 0 }
                events.append(
                    Event(
                        watch: CInt(bitPattern: field(0)), mask: Mask(rawValue: field(1)), cookie: field(2),
                        name: [UInt8](name)))
                offset = start + nameBytes
            }
        }
        return events
    }
}
