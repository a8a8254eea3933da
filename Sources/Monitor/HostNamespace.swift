import Linux
import Synchronization

/// The mount namespace that the monitor was started in, the host's: there volumes are found, also those that were mounted
/// later, wherever mounts are shared or not. The monitor itself is in another, which has the pod's mounts.
public final class HostNamespace: Sendable {
    /// As /proc/self/ns/mnt has it.
    let name: String
    private let namespace: OwnedFD
    /// The monitor's.
    private let own = Mutex<OwnedFD?>(nil)

    /// The caller is in it still.
    init() throws(SystemCallError) {
        name = try SpareKey.currentMountNamespace()
        namespace = try Files.open("/proc/self/ns/mnt")
    }

    /// - Parameter own: the one that this process has moved into.
    func wasLeft(for own: consuming OwnedFD) {
        var box: OwnedFD? = consume own
        self.own.withLock { swap(&$0, &box) }
    }

    /// Lends the namespace to a spawn that joins it.
    public func withDescriptor<R: ~Copyable, E: Error>(_ body: (Int32) throws(E) -> R) throws(E) -> R {
        try namespace.withRaw { number throws(E) in try body(number) }
    }

    /// Runs `body`, which must not wait, with the host's mounts in sight. The process has one thread.
    /// - Parameter privately: in a copy of the namespace, which goes with the call: what is mounted there no one else sees.
    public func look<R: ~Copyable>(
        privately: Bool = false, _ body: () throws(SystemCallError) -> R
    ) throws(SystemCallError) -> R {
        try Namespaces.mount.join(namespace)
        let result: Result<R, SystemCallError>
        do throws(SystemCallError) {
            if privately {
                try Namespaces.mount.unshare()
                try Mounts.setPropagation("/", [.isPrivate, .recursive])
            }
            result = .success(try body())
        } catch {
            result = .failure(error)
        }
        do throws(SystemCallError) {
            try own.withLock { own throws(SystemCallError) in
                switch own {
                case .some(let own): try Namespaces.mount.join(own)
                case .none: break
                }
            }
        } catch {
            // What it mounts from here on would be the host's.
            warn("it cannot return from the host's mounts: \(error)")
            CurrentProcess.exit(125)
        }
        return try result.get()
    }
}
