import OCI

/// How skopeo is called. Pure.
///
/// Every value that comes from a user is behind a transport's prefix, checked by `ImageReference` or `ImageSource`, or
/// replaced by a path of ours: none can be taken for an option or for another transport.
enum Skopeo {
    /// The tag of the one image in a layout that a helper writes or reads.
    static let tag = "image"
    /// Where a confined helper sees its files.
    static let sourcePath = "/source", layoutPath = "/layout", scratchPath = "/scratch", unpackPath = "/unpack"
    /// DAC_OVERRIDE: the archive may belong to anybody, and is read-only here. Not DAC_READ_SEARCH, which opens any file
    /// of a file system by its handle. What skopeo makes is root's.
    static let readingCapabilities: UInt64 = 1 << 1
    /// The administrator's rules on which images are accepted.
    static let policyPath = "/etc/containers/policy.json"

    /// Arguments of a copy from a registry to `layout`, a path of the host. skopeo takes no tag beside a digest, and
    /// the digest is what counts.
    static func pull(_ reference: ImageReference, to layout: String, scratch: String, hasPolicy: Bool) -> [String] {
        var arguments = global(scratch: scratch, hasPolicy: hasPolicy) + copy
        if reference.isLoopback { arguments += ["--src-tls-verify=false"] }
        return arguments + ["--", "docker://" + reference.storedName, "oci:\(layout):\(tag)"]
    }

    /// Arguments of a copy from a source that the confined skopeo sees at `sourcePath`.
    static func load(_ kind: ImageSource.Kind, selector: String?, hasPolicy: Bool) -> [String] {
        let from = kind.rawValue + ":" + sourcePath + (selector.map { ":" + $0 } ?? "")
        return global(scratch: scratchPath, hasPolicy: hasPolicy) + copy + ["--", from, "oci:\(layoutPath):\(tag)"]
    }

    /// What a confined skopeo, or a decompressor in its place, may name that nobody else knows; `source` is what was
    /// asked for. That comes last: what it is shown as is the user's, and stays as it is.
    static func innerPaths(source: String) -> [InnerPath] {
        InnerPath.layout(layoutPath) + [.scratch(scratchPath), InnerPath(path: sourcePath, shown: source)]
    }

    /// umoci reads no zstd, so such layers are compressed anew. Taking layers uncompressed, which would be faster for a
    /// Docker archive, makes skopeo 1.9 call them gzip all the same.
    private static let copy = ["copy", "--dest-compress-format", "gzip"]

    private static func global(scratch: String, hasPolicy: Bool) -> [String] {
        ["--tmpdir", scratch] + (hasPolicy ? ["--policy", policyPath] : ["--insecure-policy"])
    }

    /// Names of variables that skopeo gets from the caller: where credentials are, and the way to the registry.
    static let passedVariables = [
        "HOME", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "http_proxy", "https_proxy", "no_proxy",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    ]

    /// The environment of a pull. The path is for credential helpers.
    static func environment(from environment: [String: String]) -> [String] {
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return [path] + passedVariables.compactMap { name in environment[name].map { "\(name)=\($0)" } }
    }
}

/// zstd's arguments: it reads what gzip, xz and lz4 have written as well.
enum Decompressor {
    /// The file that it makes, in the scratch directory.
    static let outputName = "archive"
    static let arguments = [
        "--decompress", "--quiet", "--force", "--no-sparse", "-o", "\(Skopeo.scratchPath)/\(outputName)", "--",
        Skopeo.sourcePath,
    ]
}

/// umoci's arguments, and what it takes to unpack.
enum Umoci {
    /// `raw unpack`: just the root file system, without a list of its files for a later repack.
    static let unpack = [
        "raw", "unpack", "--image", "\(Skopeo.layoutPath):\(Skopeo.tag)", Skopeo.unpackPath + "/rootfs",
    ]

    /// What its messages may name: the root file system's files have the paths that they have in the image.
    static let innerPaths =
        InnerPath.layout(Skopeo.layoutPath) + [
            InnerPath(path: Skopeo.unpackPath + "/rootfs/", shown: "/"),
            InnerPath(path: Skopeo.unpackPath + "/rootfs", shown: "/"),
            InnerPath(path: Skopeo.unpackPath, shown: "/"),
        ]

    /// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP. Device nodes are made, as Docker does, but work nowhere:
    /// the mount here and the guest's share are `nodev`, and on the host none but root gets to them.
    static let capabilities: UInt64 = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 27 | 1 << 31
}
