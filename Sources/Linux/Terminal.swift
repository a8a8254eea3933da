import CLinux
import Glibc

/// Pseudo-terminals, pty(7).
public enum Terminal {
    /// The size in characters.
    public struct Size: Sendable, Equatable {
        public let rows: UInt16
        public let columns: UInt16
        public init(rows: UInt16, columns: UInt16) {
            self.rows = rows
            self.columns = columns
        }
    }

    /// Opens the controlling side of a new one.
    public static func open() throws(SystemCallError) -> OwnedFD {
        try Files.open("/dev/ptmx", [.readWrite, .noTerminal])
    }

    /// Opens the other side of a controlling side that is new, whatever is mounted on /dev/pts.
    public static func openPeer(of controller: borrowing OwnedFD) throws(SystemCallError) -> OwnedFD {
        try check(controller.withRaw { bh_unlock_ptmx($0) }, "ioctl", "TIOCSPTLCK")
        return OwnedFD(owning: try check(controller.withRaw { bh_open_terminal($0) }, "ioctl", "TIOCGPTPEER"))
    }

    public static func setSize(_ fd: borrowing OwnedFD, _ size: Size) throws(SystemCallError) {
        try check(fd.withRaw { bh_set_window_size($0, size.rows, size.columns) }, "ioctl", "TIOCSWINSZ")
    }

    public static func size(_ fd: borrowing OwnedFD) throws(SystemCallError) -> Size {
        var rows: UInt16 = 0, columns: UInt16 = 0
        try check(fd.withRaw { bh_get_window_size($0, &rows, &columns) }, "ioctl", "TIOCGWINSZ")
        return Size(rows: rows, columns: columns)
    }

    public static func isTerminal(_ fd: borrowing OwnedFD) -> Bool { fd.withRaw { isatty($0) == 1 } }

    /// What a terminal is set to.
    public struct Settings: @unchecked Sendable, Equatable {
        // A C struct of numbers; it is not marked as such.
        fileprivate let raw: termios

        public static func == (left: Settings, right: Settings) -> Bool {
            func numbers(_ settings: termios) -> [UInt32] {
                let characters = withUnsafeBytes(of: settings.c_cc) { $0.map(UInt32.init) }
                return [
                    settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag, UInt32(settings.c_line),
                    settings.c_ispeed, settings.c_ospeed,
                ] + characters
            }
            return numbers(left.raw) == numbers(right.raw)
        }
    }

    /// What the terminal is set to, whichever side of it `fd` is.
    public static func settings(of fd: borrowing OwnedFD) throws(SystemCallError) -> Settings {
        var settings = termios()
        let result = fd.withRaw { tcgetattr($0, &settings) }
        try checkErrno(result, errno, "tcgetattr")
        return Settings(raw: settings)
    }

    /// Passes every key on as it is typed, without echo and without signals; output stays as it was written, cfmakeraw(3).
    /// - Returns: what `restore` takes.
    public static func makeRaw(_ fd: borrowing OwnedFD) throws(SystemCallError) -> Settings {
        let before = try settings(of: fd)
        var raw = before.raw
        cfmakeraw(&raw)
        let change = fd.withRaw { tcsetattr($0, TCSADRAIN, &raw) }
        try checkErrno(change, errno, "tcsetattr")
        return before
    }

    /// Sets the terminal back, at once: one that takes no output must not keep this process. One that has gone needs it no
    /// more.
    public static func restore(_ fd: borrowing OwnedFD, _ settings: Settings) {
        var raw = settings.raw
        _ = fd.withRaw { tcsetattr($0, TCSANOW, &raw) }
    }
}
