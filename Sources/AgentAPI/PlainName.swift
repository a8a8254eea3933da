/// Names of containers and processes that become directories, on the host and in the guest's cgroups.
public enum PlainName {
    /// Whether `name` is of ASCII letters, digits, dot, underscore, hyphen and plus (runc takes it), does not begin with a dot, and has 1 to
    /// `maximumBytes` bytes.
    public static func isPlain(_ name: String, maximumBytes: Int) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "._-+".utf8.contains(byte)
        }
        return isPlain && (1...maximumBytes).contains(name.utf8.count) && name.first != "."
    }
}
