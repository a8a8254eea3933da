import AgentAPI
import OCI

extension ContainerTranslation {
    /// Bits of a mode that say what a file is. Source: inode(7).
    private static let fileTypeBits: UInt32 = 0o170000
    /// 12 bits. Source: include/linux/kdev_t.h.
    static let maximumMajor: UInt32 = 0xFFF
    /// 20 bits. Source: include/linux/kdev_t.h.
    static let maximumMinor: UInt32 = 0xF_FFFF

    static func devices(_ devices: [RuntimeSpec.Device]) throws(TranslationError) -> [DeviceSpec] {
        var result: [DeviceSpec] = []
        for (index, device) in devices.enumerated() {
            result.append(try self.device(device, "linux.devices[\(index)]"))
        }
        return result
    }

    private static func device(
        _ device: RuntimeSpec.Device, _ field: String
    ) throws(TranslationError) -> DeviceSpec {
        var result = DeviceSpec()
        result.path = try FieldChecks.containedPath(device.path, "\(field).path")
        switch device.type {
        case "c", "u": result.kind = "c"
        case "b", "p": result.kind = device.type
        default: throw .invalid("\(field).type", device.type, "is none of c, u, b and p")
        }
        if result.kind != "p" {
            guard let major = device.major else { throw .missing(field: "\(field).major") }
            guard let minor = device.minor else { throw .missing(field: "\(field).minor") }
            result.major = try FieldChecks.number(major, in: 0...maximumMajor, "\(field).major")
            result.minor = try FieldChecks.number(minor, in: 0...maximumMinor, "\(field).minor")
        }
        if let mode = device.fileMode {
            // Engines that copy st_mode leave the type in it.
            result.mode = try FieldChecks.number(mode & ~fileTypeBits, in: 0...0o7777, "\(field).fileMode")
        }
        if let uid = device.uid { result.uid = try id(uid, "\(field).uid") }
        if let gid = device.gid { result.gid = try id(gid, "\(field).gid") }
        return result
    }
}
