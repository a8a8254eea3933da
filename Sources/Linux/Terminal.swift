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

    /// What a terminal was set to before it was made raw.
    public struct Settings: @unchecked Sendable {
        // A C struct of numbers; it is not marked as such.
        fileprivate let raw: termios
    }

    /// Passes every key on as it is typed, without echo and without signals; output stays as it was written, cfmakeraw(3).
    /// - Returns: what `restore` takes.
    public static func makeRaw(_ fd: borrowing OwnedFD) throws(SystemCallError) -> Settings {
        var settings = termios()
        let result = fd.withRaw { tcgetattr($0, &settings) }
        try checkErrno(result, errno, "tcgetattr")
        let before = Settings(raw: settings)
        cfmakeraw(&settings)
        let change = fd.withRaw { tcsetattr($0, TCSADRAIN, &settings) }
        try checkErrno(change, errno, "tcsetattr")
        return before
    }

    /// Sets the terminal back. One that has gone needs it no more.
    public static func restore(_ fd: borrowing OwnedFD, _ settings: Settings) {
        var raw = settings.raw
        _ = fd.withRaw { tcsetattr($0, TCSADRAIN, &raw) }
    }
}
