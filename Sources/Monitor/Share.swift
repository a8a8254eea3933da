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
    /// Makes the file system that `mounts` are together visible, and returns its path in the guest.
    /// - Parameter prepare: is given its path on the host before that.
    func attach(
        _ mounts: RootMounts, readOnly: Bool, for container: String, prepare: (String) throws -> Void
    ) throws -> String
    /// Makes an empty directory where the container's root would be on the host, and shares nothing.
    func holdPlace(for container: String) throws
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
            try expose(
                mount, at: place, readOnly: attachment.readOnly, recursive: attachment.recursive,
                named: attachment.source)
            return Self.guestPath + place
        } catch let error as SystemCallError where error.code == ErrorNumber.noEntry {
            // `.notFound` is what a program is that is not there.
            throw SandboxError(.failedPrecondition, "\(attachment.source): no such file or directory")
        } catch let error as SystemCallError {
            throw SandboxError(.failedPrecondition, "\(attachment.source) cannot be shared: \(error)")
        }
    }

    func attach(
        _ mounts: RootMounts, readOnly: Bool, for container: String, prepare: (String) throws -> Void
    ) throws -> String {
        let place = "/" + container + "/rootfs"
        do {
            try Files.makeDirectories(directory + place)
            let mount = try mounts.mount(at: directory + place, in: host)
            guard try mount.status().kind == .directory else {
                throw SandboxError(.invalidArgument, "the root file system is no directory")
            }
            try mount.withRaw { number in try prepare("/proc/self/fd/\(number)") }
            try expose(mount, at: place, readOnly: readOnly, recursive: true, named: "the root file system")
            return Self.guestPath + place
        } catch let error as SystemCallError {
            throw SandboxError(.failedPrecondition, "the root file system cannot be mounted: \(error)")
        }
    }

    func holdPlace(for container: String) throws { try Files.makeDirectories(directory + "/" + container + "/rootfs") }

    /// Puts a mount that is nowhere yet where the guest sees it.
    private func expose(
        _ mount: borrowing OwnedFD, at place: String, readOnly: Bool, recursive: Bool, named subject: String
    ) throws(SystemCallError) {
        // What the host mounts below it later must not arrive with the host's flags.
        try Mounts.setPropagation(mount, [.isPrivate, .recursive], named: subject)
        var attributes: MountAttributes = [.noSetUID, .noDevices, .noExecute]
        if readOnly { attributes.insert(.readOnly) }
        try Mounts.setAttributes(mount, set: attributes, recursive: recursive, named: subject)
        try Mounts.attach(mount, at: Files.open(directory + place, .path), named: directory + place)
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
