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
}
