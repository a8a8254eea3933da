import CLinux
import Glibc

/// An epoll instance, epoll(7).
public struct Epoll: ~Copyable, Sendable {
    /// What a registration waits for. Edge-triggered: each change is told once.
    public struct Interest: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let readable = Interest(rawValue: 0x001)
        public static let writable = Interest(rawValue: 0x004)
        public static let error = Interest(rawValue: 0x008)
        public static let hangUp = Interest(rawValue: 0x010)
        public static let peerFinished = Interest(rawValue: 0x2000)
        static let edge = Interest(rawValue: 1 << 31)
    }

    /// One report of the kernel.
    public struct Event: Sendable {
        public let token: UInt64
        public let ready: Interest
    }

    private let fd: OwnedFD

    public init() throws(SystemCallError) {
        fd = OwnedFD(owning: try check(bh_epoll_create(), "epoll_create1"))
    }

    /// Watches `descriptor` until it is removed; `token` comes back with each event.
    /// - Throws: EPERM for a regular file, which is always ready.
    public func add(_ descriptor: borrowing OwnedFD, _ interest: Interest, token: UInt64) throws(SystemCallError) {
        let result = fd.withRaw { epoll in
            descriptor.withRaw { bh_epoll_add(epoll, $0, interest.union(.edge).rawValue, token) }
        }
        try check(result, "epoll_ctl", "add")
    }

    public func remove(_ descriptor: borrowing OwnedFD) throws(SystemCallError) {
        let result = fd.withRaw { epoll in descriptor.withRaw { bh_epoll_remove(epoll, $0) } }
        try check(result, "epoll_ctl", "remove")
    }

    /// Waits for events, for ever when `block`. A signal ends the wait with no event.
    public func wait(block: Bool) throws(SystemCallError) -> [Event] {
        let capacity = 64
        var failure: CInt = 0
        let raw = [bh_event](unsafeUninitializedCapacity: capacity) { buffer, filled in
            let count = fd.withRaw { bh_epoll_wait($0, buffer.baseAddress, CInt(capacity), block ? -1 : 0) }
            failure = min(count, 0)
            filled = Int(max(count, 0))
        }
        try check(failure, "epoll_wait")
        return raw.map { Event(token: $0.token, ready: Interest(rawValue: $0.events)) }
    }
}

/// A counter that wakes a poller, eventfd(2). Non-blocking.
public struct EventFD: ~Copyable, Sendable {
    public let fd: OwnedFD

    public init() throws(SystemCallError) {
        fd = OwnedFD(owning: try check(bh_eventfd(), "eventfd"))
    }

    /// Wakes the poller. A counter at its maximum already does, so nothing here can fail in a way that matters.
    public func notify() {
        var one: UInt64 = 1
        _ = fd.withRaw { Glibc.write($0, &one, 8) }
    }

    /// Takes the pending wake-ups.
    public func drain() {
        var count: UInt64 = 0
        _ = fd.withRaw { Glibc.read($0, &count, 8) }
    }
}

/// A timer on CLOCK_MONOTONIC, timerfd_create(2). Non-blocking.
public struct TimerFD: ~Copyable, Sendable {
    public let fd: OwnedFD

    public init() throws(SystemCallError) {
        fd = OwnedFD(owning: try check(bh_timerfd(), "timerfd_create"))
    }

    /// Fires once at `nanoseconds` of `MonotonicTime.now`; nil disarms.
    public func arm(at nanoseconds: UInt64?) throws(SystemCallError) {
        try check(fd.withRaw { bh_timerfd_set($0, nanoseconds.map { max($0, 1) } ?? 0) }, "timerfd_settime")
    }

    /// Takes the pending expirations.
    public func drain() {
        var count: UInt64 = 0
        _ = fd.withRaw { Glibc.read($0, &count, 8) }
    }
}

/// CLOCK_MONOTONIC.
public enum MonotonicTime {
    /// Nanoseconds since an arbitrary start.
    public static var now: UInt64 { bh_monotonic_ns() }

    /// When `duration` will have passed.
    static func after(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return now + UInt64(max(seconds, 0)) * 1_000_000_000 + UInt64(max(attoseconds, 0) / 1_000_000_000)
    }
}

/// CLOCK_REALTIME: the time of day, which may be set back.
public enum WallClock {
    /// Nanoseconds since 1970 in UTC.
    public static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Seconds east of UTC that this process's clocks on the wall show now: by TZ, else by /etc/localtime, else 0.
    public static var zoneOffsetSeconds: Int {
        var now = time(nil)
        var parts = tm()
        tzset()
        return localtime_r(&now, &parts) == nil ? 0 : parts.tm_gmtoff
    }
}

/// A set of signals.
public struct SignalSet: Sendable, Equatable, ExpressibleByArrayLiteral {
    let mask: UInt64

    public init(arrayLiteral signals: CInt...) { self.init(signals) }
    public init(_ signals: [CInt]) {
        mask = signals.filter { (1...64).contains($0) }.reduce(0) { $0 | 1 << UInt64($1 - 1) }
    }

    /// Without those that this process was started to ignore: by nohup(1), or in the background of a script.
    public var withoutIgnored: SignalSet {
        SignalSet((CInt(1)...64).filter { mask & 1 << UInt64($0 - 1) != 0 && bh_signal_is_ignored($0) == 0 })
    }

    /// SIGCHLD: a child has ended.
    public static let childEnded = SignalSet([SIGCHLD])

    /// Keeps the signals from their default action in this thread and those it makes.
    public func block() throws(SystemCallError) {
        try check(bh_block_signals(mask), "sigprocmask")
    }
}

/// Signals as something to read, signalfd(2).
public enum SignalFD {
    /// A non-blocking descriptor of `signals`, which are blocked from here on.
    public static func make(_ signals: SignalSet) throws(SystemCallError) -> OwnedFD {
        OwnedFD(owning: try check(bh_signalfd(signals.mask), "signalfd"))
    }

    /// Gives `signals` back to what they do by themselves. One that is pending does that at once.
    public static func release(_ signals: SignalSet) throws(SystemCallError) {
        try check(bh_unblock_signals(signals.mask), "sigprocmask")
    }

    /// The next pending signal of such a descriptor; nil when there is none.
    public static func next(from fd: borrowing OwnedFD) throws(SystemCallError) -> CInt? {
        let signal = try check(fd.withRaw { bh_signalfd_read($0) }, "read", "signalfd")
        return signal == 0 ? nil : signal
    }
}

/// Ignores `signal` in this process; programs it executes get the default back.
public func ignoreSignal(_ signal: CInt) throws(SystemCallError) {
    try check(bh_ignore_signal(signal), "sigaction")
}
