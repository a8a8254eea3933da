/// `--device HOST[:CTR][:rwm]`: a device, where the container has it, and what it may do with it. Pure: whether there is
/// such a device is for others to say.
///
/// Source: docker/cli, parseLinuxDevice and validDeviceMode.
public struct DeviceRequest: Sendable, Equatable {
    /// As it was written, without `.`, `..` and doubled slashes when it is a path.
    public let device: String
    /// In the container: below /dev, or the same as `device`.
    public let path: String
    /// Letters of `rwm`: read, write, make nodes of it.
    public let access: String

    /// - Throws: `.malformed`, and `.outOfRange` for a place that is not below /dev.
    public static func parse(_ text: String) throws(ValueError) -> DeviceRequest {
        let malformed = ValueError.malformed(
            what: "device", value: text, expected: "HOST[:CTR][:rwm], such as /dev/fuse or /dev/fuse:/dev/fuse:rw")
        let parts = text.split(at: ":")
        guard (1...3).contains(parts.count), let name = parts.first, !name.isEmpty else { throw malformed }
        var place: String?, access = "rwm"
        if parts.count == 3 {
            guard isAccess(parts[2]) else { throw malformed }
            (place, access) = (parts[1], parts[2])
        } else if parts.count == 2 {
            if isAccess(parts[1]) { access = parts[1] } else { place = parts[1] }
        }
        // Names of other kinds, such as vendor.com/class=name, are for the caller.
        let device = name.utf8.first == UInt8(ascii: "/") ? try MountPath.target(name) : name
        guard let place, !place.isEmpty else { return DeviceRequest(device: device, path: device, access: access) }
        let path = try MountPath.target(place)
        guard path.hasPrefix("/dev/") else {
            throw .outOfRange(what: "place of a device", value: path, allowed: "it is below /dev")
        }
        return DeviceRequest(device: device, path: path, access: access)
    }

    /// Each letter once at most.
    private static func isAccess(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { "rwm".utf8.contains($0) } && Set(text.utf8).count == text.utf8.count
    }
}
