import AgentAPI
import Linux

/// Modules of the guest's kernel that are loaded when the first container needs them. What comes with the initrd is in its
/// list: a line per feature, its name and the files to load in that order.
public enum GuestFeatures {
    private static let list = "/lib/modules/later"
    private static let listLimit = 64 << 10
    /// Features by the device that comes with them. Source: the kernel's Documentation/admin-guide/devices.txt.
    private static let devices: [(feature: String, major: UInt32, minor: UInt32)] = [
        ("fuse", 10, 229), ("tun", 10, 200),
    ]

    /// Loads what a machine needs that is given more memory while it runs.
    public static func loadGrowth() throws(ContainerError) { try load(["memory"]) }

    /// Loads what a container needs, all for one that has the guest's devices. Before its root is entered.
    static func load(for spec: ContainerSpec) throws(ContainerError) {
        try load(features(for: spec))
    }

    private static func load(_ wanted: [String]) throws(ContainerError) {
        // Where there is no list, the kernel has what it has.
        guard !wanted.isEmpty, let text = try? Files.readText(list, limit: listLimit) else { return }
        for feature in wanted {
            for path in modules(of: feature, in: text) {
                try stage("load \(path)") { () throws(SystemCallError) in
                    do throws(SystemCallError) {
                        try loadModule(path)
                    } catch {
                        // A processor may lack what one of two modules needs.
                        guard error.code == ErrorNumber.noSuchDevice else { throw error }
                    }
                }
            }
        }
    }

    static func features(for spec: ContainerSpec) -> [String] {
        devices.filter { known in
            spec.hasGuestDevices
                || spec.devices.contains { ($0.kind, $0.major, $0.minor) == ("c", known.major, known.minor) }
        }.map(\.feature)
    }

    /// Whether a device is for every user, as udev makes those that come with a feature; the kernel leaves them to root.
    static func isForAll(major: UInt32, minor: UInt32) -> Bool {
        devices.contains { ($0.major, $0.minor) == (major, minor) }
    }

    static func modules(of feature: String, in list: String) -> [String] {
        for line in list.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.first == feature { return Array(words.dropFirst()) }
        }
        return []
    }
}
