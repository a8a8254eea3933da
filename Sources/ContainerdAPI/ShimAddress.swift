import JSON

/// Where a shim is reached, as its `start` tells containerd.
public enum ShimAddress {
    /// containerd's, whatever its own state directory is. Source: containerd, runtime/v2/shim/util_unix.go (release 1.6).
    public static let directory = "/run/containerd/s"
    private static let scheme = "unix://"

    public static func address(ofSocket path: String) -> String { scheme + path }

    /// The path of the socket; nil for an address of another kind.
    public static func socket(_ address: String) -> String? {
        guard address.hasPrefix(scheme + "/") else { return nil }
        return String(address.dropFirst(scheme.count))
    }

    /// What `start` prints: the address alone for those who know nothing else, JSON for those who take version 3 of the
    /// bootstrap parameters. Source: containerd, core/runtime/v2/README.md (release 2.0).
    /// - Parameter maximumVersion: the value of MAX_SHIM_VERSION, if there is one.
    public static func answer(_ address: String, maximumVersion: String?) -> String {
        guard let version = maximumVersion.flatMap({ Int($0) }), version >= 3 else { return address }
        return JSONValue.members([
            "version": .number("3"), "address": .string(address), "protocol": .string("ttrpc"),
        ]).serialized
    }
}
