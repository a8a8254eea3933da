import AgentAPI
import EventLoop
import Linux
import PodDirectory

/// Something of the host that a container uses.
struct Attachment: Equatable, Sendable {
    /// A name that is the attachment's alone within its container.
    var name: String
    /// A path of the host, links followed.
    var source: String
    var readOnly: Bool
    /// With the mounts below it.
    var recursive: Bool
}

/// How directories and files of the host get into the guest. Attached ones appear there while it runs.
@EventLoop protocol Share: AnyObject {
    /// Makes `attachment` visible and returns its path in the guest.
    func attach(_ attachment: Attachment, for container: String) throws -> String
    /// Takes everything of the container away.
    func detach(_ container: String) throws
    /// A mount of a directory of the host that is nowhere yet; nil for what has no link as a `ProjectionSource` has it.
    func mountOfLinks(at source: String, recursive: Bool) throws -> OwnedFD?
    /// The size of the tmpfs that a directory of the host is of; nil for anything else.
    func temporaryBytes(at source: String) throws -> Int64?
    /// What the guest mounts.
    var mount: MountSpec { get }
}

/// A directory exported by QEMU's 9p server; what is attached is mounted below it, in the monitor's mount namespace, and
/// passes on to QEMU's.
@EventLoop final class DirectoryShare: Share {
    private let pod: PodDirectory
    private let host: HostNamespace
    private var directory: String { pod.paths.share }
    private static let guestPath = "/run/share"
    /// QEMU's limit for one request; larger ones are fewer.
    private static let messageBytes = 524_288

    /// - Parameters:
    ///   - pod: whose share is empty, and becomes a mount point that QEMU's namespace is a slave of.
    ///   - host: where what is attached is found.
    init(of pod: PodDirectory, host: HostNamespace) throws(SystemCallError) {
        (self.pod, self.host) = (pod, host)
        try Mounts.mount(directory, on: directory, .bind)
        try Mounts.setPropagation(directory, .shared)
    }

    func attach(_ attachment: Attachment, for container: String) throws -> String {
        let place = "/" + container + "/" + attachment.name
        do {
            let found = try host.look { () throws(SystemCallError) in try Found(attachment) }
            switch found.kind {
            case .directory: try Files.makeDirectories(directory + place)
            case .regular:
                try Files.makeDirectories(directory + "/" + container)
                try Files.write([], to: directory + place)
            case .socket, .fifo, .characterDevice, .blockDevice, .symlink:
                throw SandboxError(
                    .invalidArgument,
                    "\(attachment.source) is a \(found.kind.noun): only files and directories reach into a virtual "
                        + "machine")
            }
            let mount = found.mount
            // What the host mounts below it later must not arrive with the host's flags.
            try Mounts.setPropagation(mount, [.isPrivate, .recursive], named: attachment.source)
            var attributes: MountAttributes = [.noSetUID, .noDevices, .noExecute]
            if attachment.readOnly { attributes.insert(.readOnly) }
            try Mounts.setAttributes(
                mount, set: attributes, recursive: attachment.recursive, named: attachment.source)
            try Mounts.attach(mount, at: Files.open(directory + place, .path), named: directory + place)
            return Self.guestPath + place
        } catch let error as SystemCallError where error.code == ErrorNumber.noEntry {
            // `.notFound` is what a program is that is not there.
            throw SandboxError(.failedPrecondition, "\(attachment.source): no such file or directory")
        } catch let error as SystemCallError {
            throw SandboxError(.failedPrecondition, "\(attachment.source) cannot be shared: \(error)")
        }
    }

    /// What is at a place of the host, and a mount of it that is nowhere yet.
    private struct Found: ~Copyable {
        let kind: FileStatus.Kind
        let mount: OwnedFD

        init(_ attachment: Attachment) throws(SystemCallError) {
            let source = try Files.open(attachment.source, .path)
            let status = try source.status()
            let copy = try Mounts.clone(source, recursive: attachment.recursive, named: attachment.source)
            kind = status.kind
            mount = copy
        }
    }

    func mountOfLinks(at source: String, recursive: Bool) throws -> OwnedFD? {
        do {
            return try host.look { () throws(SystemCallError) -> OwnedFD? in
                let directory = try Files.open(source, [.path, .directory])
                guard ProjectionSource.hasData(directory) else { return nil }
                let mount = try Mounts.clone(directory, recursive: recursive, named: source)
                try Mounts.setPropagation(mount, [.isPrivate, .recursive], named: source)
                return mount
            }
        } catch {
            guard error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory else { throw error }
            return nil
        }
    }

    func temporaryBytes(at source: String) throws -> Int64? {
        do {
            return try host.look { () throws(SystemCallError) in
                try Files.open(source, [.directory]).temporaryFileSystemBytes()
            }
        } catch {
            guard error.code == ErrorNumber.noEntry || error.code == ErrorNumber.notDirectory else { throw error }
            return nil
        }
    }

    func detach(_ container: String) throws {
        let place = directory + "/" + container
        guard Files.exists(place) else { return }
        for name in try Files.names(in: place) {
            do {
                try Mounts.unmount(place + "/" + name, detach: true)
            } catch {
                guard error.code == ErrorNumber.invalid else { throw error }  // Nothing was mounted there yet.
            }
        }
        try Files.removeTree(place)
    }

    var mount: MountSpec {
        var mount = MountSpec()
        (mount.source, mount.destination, mount.type) = ("share", Self.guestPath, "9p")
        // Nothing is cached but what is mapped: without that no file can be mapped shared and writable.
        mount.data = "trans=virtio,version=9p2000.L,msize=\(Self.messageBytes),access=client,cache=mmap"
        return mount
    }
}

extension FileStatus.Kind {
    var noun: String {
        switch self {
        case .regular: "file"
        case .directory: "directory"
        case .symlink: "symbolic link"
        case .fifo: "named pipe"
        case .socket: "socket"
        case .characterDevice, .blockDevice: "device"
        }
    }
}
