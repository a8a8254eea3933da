import Glibc
import Linux

/// A socket for datagrams, bound to a name of the abstract namespace: what our programs only connect to.
/// - Throws: when the name is taken.
public func datagramReceiver(abstract name: String) throws(SystemCallError) -> OwnedFD {
    let receiver = OwnedFD(owning: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0))
    var address = sockaddr_un()
    address.sun_family = UInt16(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: name.utf8) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
    let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            receiver.withRaw { bind($0, pointer, length) }
        }
    }
    guard result == 0 else { throw SystemCallError("bind", "@" + name, code: errno) }
    return receiver
}
