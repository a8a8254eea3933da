import AgentAPI
import Linux
import OCI

/// Where the service manager listens that has started the engine, as NOTIFY_SOCKET names it. Source: sd_notify(3).
enum NotifyAddress: Equatable {
    case path(String)
    /// Of the abstract namespace of this process's network.
    case abstract(String)

    /// - Parameter text: of the variable.
    init(_ text: String) throws(RuntimeError) {
        switch text.first {
        case "/": self = .path(text)
        case "@" where text.count > 1: self = .abstract(String(text.dropFirst()))
        default:
            throw RuntimeError(
                "\(NotifySocket.variable)=\(text.prefix(200)): neither an absolute path nor @ and the name of an abstract "
                    + "socket; unset it, or name one that is")
        }
    }

    /// Connects to it. So nobody looks it up again, and whoever the socket is handed to needs no name.
    func connect() throws(RuntimeError) -> OwnedFD {
        do {
            switch self {
            case .path(let path): return try UnixSocket.connect(.datagrams, path: path)
            case .abstract(let name): return try UnixSocket.connect(.datagrams, abstract: name)
            }
        } catch {
            throw RuntimeError("\(NotifySocket.variable)=\(self): \(error.reason)")
        }
    }
}

extension NotifyAddress: CustomStringConvertible {
    var description: String {
        switch self {
        case .path(let path): path
        case .abstract(let name): "@" + name
        }
    }
}

/// A socket that is connected to the service manager's.
final class ServiceManager {
    let socket: OwnedFD

    /// The one that a container is to speak to: what its engine has bound into it, or else what this process's
    /// environment names; nil when there is none.
    static func of(_ spec: RuntimeSpec) throws(RuntimeError) -> ServiceManager? {
        if let path = spec.boundNotifySocket {
            // No link: the directory may be one that containers write to. Where nobody listens it is a file like others.
            if let socket = try? UnixSocket.connect(.datagrams, path: path, followsLinks: false) {
                return ServiceManager(socket)
            }
        }
        guard let text = CurrentProcess.environment(NotifySocket.variable), !text.isEmpty else { return nil }
        return ServiceManager(try NotifyAddress(text).connect())
    }

    private init(_ socket: consuming OwnedFD) { self.socket = socket }
}

extension RuntimeSpec {
    /// The host's path of a socket that the container is told to speak to and that is bound where runc would have it, as
    /// Podman does with the one that conmon listens at.
    var boundNotifySocket: String? {
        let assignment = "\(NotifySocket.variable)=\(NotifySocket.place)/\(NotifySocket.name)"
        guard process?.env?.contains(assignment) == true,
            let mount = mounts?.last(where: { $0.destination == NotifySocket.place }), let bind = mount.bind,
            bind.source.hasPrefix("/")
        else { return nil }
        return "\(bind.source)/\(NotifySocket.name)"
    }
}
