import CLinux
import Glibc

/// A system call that failed: which, on what, and the kernel's reason.
public struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call's name, as in its man page.
    public let call: String
    /// What it was called on: a path, a process, a socket's name. Empty when there is nothing to name.
    public let subject: String
    /// The errno.
    public let code: CInt

    public init(_ call: String, _ subject: String = "", code: CInt) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    /// The kernel's reason in words.
    public var reason: String { errnoText(code) }

    public var description: String {
        subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }
}

/// The errno values that decide something above this module, whose files do not import libc.
public enum ErrorNumber {
    public static let notPermitted: CInt = EPERM
    public static let noEntry: CInt = ENOENT
    public static let noProcess: CInt = ESRCH
    public static let inputOutput: CInt = EIO
    public static let badDescriptor: CInt = EBADF
    public static let again: CInt = EAGAIN
    public static let noAccess: CInt = EACCES
    public static let busy: CInt = EBUSY
    public static let exists: CInt = EEXIST
    public static let notEmpty: CInt = ENOTEMPTY
    public static let notDirectory: CInt = ENOTDIR
    public static let invalid: CInt = EINVAL
    public static let brokenPipe: CInt = EPIPE
    public static let connectionReset: CInt = ECONNRESET
    public static let noSpace: CInt = ENOSPC
    public static let refused: CInt = ECONNREFUSED
    public static let addressInUse: CInt = EADDRINUSE
    public static let tooLarge: CInt = EFBIG
    public static let overQuota: CInt = EDQUOT
    public static let loop: CInt = ELOOP
    public static let isDirectory: CInt = EISDIR
    public static let staleHandle: CInt = ESTALE
    public static let noDevice: CInt = ENXIO
    public static let noSuchDevice: CInt = ENODEV
    public static let notSupported: CInt = ENOTSUP
    public static let crossDevice: CInt = EXDEV
}

/// The text of an errno, as strerror(3) has it in the C locale.
public func errnoText(_ code: CInt) -> String {
    guard let text = bh_errno_text(code) else { return "error \(code)" }
    return String(cString: text)
}

/// Turns the result of a CLinux function (a negative errno on failure) into a value or an error.
@discardableResult
func check(
    _ result: Int, _ call: String, _ subject: @autoclosure () -> String = ""
) throws(SystemCallError) -> Int {
    guard result < 0 else { return result }
    throw SystemCallError(call, subject(), code: CInt(-result))
}

@discardableResult
func check(
    _ result: CInt, _ call: String, _ subject: @autoclosure () -> String = ""
) throws(SystemCallError) -> CInt {
    CInt(try check(Int(result), call, subject()))
}

/// Turns -1 and errno into an error. `errno` must not have been touched since the call.
@discardableResult
func checkErrno(
    _ result: CInt, _ code: CInt, _ call: String, _ subject: @autoclosure () -> String = ""
) throws(SystemCallError) -> CInt {
    guard result < 0 else { return result }
    throw SystemCallError(call, subject(), code: code)
}
