// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    // An async function that names no actor runs on its caller's: the event loop stays single-threaded.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

/// A module under Sources/. Imports go downwards only; Tests/TidyTests holds the order against the files.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name)] + dependencies, exclude: exclude,
        swiftSettings: swiftSettings)
}

/// A program, linked statically: it starts in 1 ms, and in the guest there is nothing to link to.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: swiftSettings,
        linkerSettings: [.unsafeFlags(["-static-executable"])])
}

let package = Package(
    name: "bulkhead",
    targets: [
        // Pure: bytes or values in, values out.
        module("Protobuf"), tests("Protobuf", ["SeededRandom"], exclude: ["Golden"]),
        module("TTRPC", ["Protobuf"]), tests("TTRPC", ["Protobuf", "SeededRandom"]),
        module("Yamux"), tests("Yamux", ["SeededRandom"]),
        module("JSON"), tests("JSON"),
        module("OCI", ["JSON"]), tests("OCI", ["AgentAPI", "JSON", "SeededRandom", "SpecTranslation"]),
        module("Calendar"), tests("Calendar", ["SeededRandom"]),
        module("NearestName"), tests("NearestName"),
        module("CommandTree", ["Calendar", "NearestName"]), tests("CommandTree", ["Calendar", "SeededRandom"]),
        module("Tar"), tests("Tar", ["Linux", "SeededRandom"], exclude: ["Golden"]),
        module("GuestImage"), tests("GuestImage", ["SeededRandom"]),
        .executableTarget(name: "guest-image", dependencies: ["GuestImage"], swiftSettings: swiftSettings),
        module("AgentAPI", ["Protobuf"]), tests("AgentAPI", ["Protobuf", "SeededRandom"]),
        module("SpecTranslation", ["AgentAPI", "OCI", "Protobuf"]),
        tests("SpecTranslation", ["AgentAPI", "OCI", "SeededRandom"]),
        module("TaskAPI", ["Protobuf"]), tests("TaskAPI", ["Protobuf"], exclude: ["Golden"]),
        module("ContainerdAPI", ["JSON", "Protobuf", "TaskAPI"]),
        tests("ContainerdAPI", ["Protobuf", "SeededRandom", "TaskAPI"], exclude: ["Golden"]),
        module("Pod", ["JSON"]), tests("Pod", ["SeededRandom"]),
        .systemLibrary(name: "CYAML"),
        module("YAML", ["CYAML"]), tests("YAML", ["Linux", "SeededRandom"]),
        module("Configuration", ["NearestName", "YAML"]), tests("Configuration", ["Linux", "SeededRandom", "YAML"]),
        // The host's and the guest's system calls.
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        module("Linux", ["CLinux"]), tests("Linux", ["Support"]),
        module("Archive", ["Linux", "Tar"]), tests("Archive", ["Linux", "SeededRandom", "Tar"]),
        .target(name: "CEventLoop"),
        module("EventLoop", ["CEventLoop", "Linux"]),
        tests("EventLoop", ["Linux", "Support", "hash-seeds"]),
        .executableTarget(
            name: "hash-seeds", dependencies: ["EventLoop", "Linux"], path: "Tests/HashSeeds",
            swiftSettings: swiftSettings),
        module("GuestLink", ["EventLoop", "Linux", "Yamux"]), tests("GuestLink", ["EventLoop", "Linux", "Support"]),
        module("RPC", ["EventLoop", "Protobuf", "TTRPC"]), tests("RPC", ["EventLoop", "Linux", "Support", "TTRPC"]),
        // The guest.
        .target(name: "CAgent"),
        module("Container", ["AgentAPI", "Archive", "EventLoop", "Linux", "Protobuf"]),
        tests("Container", ["AgentAPI", "EventLoop", "Linux", "Protobuf", "SeededRandom", "Support"]),
        module("Agent", ["AgentAPI", "Container", "EventLoop", "GuestLink", "Linux", "Protobuf", "RPC", "TTRPC"]),
        tests("Agent", ["AgentAPI", "EventLoop", "GuestLink", "Linux", "Support"]),
        .target(name: "CSeccomp", linkerSettings: [.linkedLibrary("seccomp")]),
        module("Seccomp", ["AgentAPI", "CSeccomp", "Linux"]), tests("Seccomp", ["AgentAPI"]),
        program("bulkhead-agent", ["Agent", "CAgent", "Container", "EventLoop", "Seccomp"]),
        // The host.
        module("Cgroups", ["Linux", "OCI"]), tests("Cgroups", ["Linux", "OCI", "SeededRandom"]),
        module("ContainerProxy", ["Linux", "OCI"]),
        tests("ContainerProxy", ["Linux", "OCI", "SeededRandom"]),
        module("Confinement", ["Linux", "JSON"]), tests("Confinement", ["Linux", "JSON"]),
        module("QEMU", ["Confinement", "EventLoop", "JSON", "Linux"]),
        tests("QEMU", ["Confinement", "EventLoop", "JSON", "Linux", "Support"]),
        module("HostSide", ["Cgroups", "ContainerProxy", "EventLoop", "JSON", "Linux", "OCI", "Pod"]),
        tests("HostSide", ["Configuration", "OCI", "Pod"]),
        .systemLibrary(name: "CXXHash"),
        module("Templates", ["CXXHash", "JSON", "Linux", "QEMU"]),
        tests("Templates", ["JSON", "Linux", "QEMU", "SeededRandom"]),
        module("Images", ["Confinement", "EventLoop", "JSON", "Linux", "OCI", "Tar"]),
        tests("Images", ["Confinement", "EventLoop", "JSON", "Linux", "OCI", "SeededRandom", "Support", "Tar"]),
        module("ContainerLog", ["Calendar", "Linux"]), tests("ContainerLog", ["Calendar", "Linux", "SeededRandom"]),
        module("EventLog", ["Calendar", "JSON", "Linux"]),
        tests("EventLog", ["Linux", "SeededRandom", "event-writer"]),
        .executableTarget(
            name: "event-writer", dependencies: ["EventLog", "Linux"], path: "Tests/EventWriter",
            swiftSettings: swiftSettings),
        module("PodDirectory", ["Cgroups", "EventLog", "Linux", "Pod"]),
        tests("PodDirectory", ["EventLog", "Linux", "Pod"]),
        module(
            "Monitor",
            [
                "AgentAPI", "ContainerLog", "ContainerProxy", "EventLog", "EventLoop", "GuestLink", "HostSide", "Linux",
                "OCI", "Pod", "PodDirectory", "Protobuf", "QEMU", "RPC", "SpecTranslation", "TTRPC", "TaskAPI",
                "Templates",
            ]),
        tests(
            "Monitor",
            [
                "AgentAPI", "EventLoop", "GuestLink", "Linux", "Pod", "PodDirectory", "Protobuf", "SeededRandom",
                "Support",
                "TTRPC", "TaskAPI",
            ]),
        module(
            "MonitorClient",
            ["EventLoop", "Linux", "Monitor", "Pod", "PodDirectory", "Protobuf", "RPC", "TTRPC", "TaskAPI"]),
        module("ContainerStore", ["Linux", "OCI", "Pod", "PodDirectory"]),
        tests("ContainerStore", ["Linux", "OCI", "Pod"]),
        module(
            "FrontEnd",
            [
                "Configuration", "EventLoop", "HostSide", "Linux", "Monitor", "MonitorClient", "Pod", "PodDirectory",
                "QEMU", "TTRPC", "TaskAPI",
            ]),
        module(
            "BulkheadCLI",
            [
                "Archive", "Calendar", "CommandTree", "Configuration", "ContainerLog", "ContainerStore", "EventLog",
                "EventLoop", "FrontEnd", "Images", "JSON", "Linux", "Monitor", "MonitorClient", "OCI", "Pod",
                "PodDirectory",
                "Protobuf", "QEMU",
                "SpecTranslation", "TTRPC", "TaskAPI", "Templates",
            ]),
        tests(
            "BulkheadCLI",
            [
                "Calendar", "CommandTree", "ContainerStore", "EventLog", "EventLoop", "FrontEnd", "JSON", "Linux",
                "OCI",
                "Pod", "PodDirectory", "SeededRandom", "SpecTranslation", "Support", "TaskAPI",
            ]),
        module(
            "OCIRuntimeCLI",
            [
                "AgentAPI", "Calendar", "Cgroups", "CommandTree", "ContainerProxy", "EventLoop", "FrontEnd", "HostSide",
                "JSON", "Linux",
                "MonitorClient", "OCI", "Pod", "PodDirectory", "Protobuf", "SpecTranslation", "TTRPC", "TaskAPI",
            ]),
        tests("OCIRuntimeCLI", ["CommandTree", "JSON", "Linux", "OCI", "TaskAPI"]),
        module(
            "ContainerdShim",
            [
                "Cgroups", "CommandTree", "ContainerdAPI", "EventLoop", "FrontEnd", "HostSide", "JSON", "Linux",
                "Monitor",
                "MonitorClient", "OCI", "Pod", "PodDirectory", "Protobuf", "RPC", "SpecTranslation", "TTRPC", "TaskAPI",
            ]),
        program(
            "bulkhead", ["BulkheadCLI", "Confinement", "ContainerProxy", "ContainerdShim", "Monitor", "OCIRuntimeCLI"]),
        .testTarget(name: "TidyTests", dependencies: ["Linux"], swiftSettings: swiftSettings),
        .testTarget(
            name: "InteropTests",
            dependencies: ["EventLoop", "GuestLink", "Linux", "Protobuf", "RPC", "Support", "TTRPC", "Yamux"],
            exclude: ["Peer"], swiftSettings: swiftSettings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "AgentAPI", "Confinement", "ContainerdAPI", "EventLog", "EventLoop", "GuestLink", "JSON", "Linux",
                "Monitor", "MonitorClient", "OCI", "Pod", "PodDirectory", "Protobuf", "QEMU", "RPC", "SpecTranslation",
                "Support",
                "TTRPC",
                "TaskAPI", "Templates",
            ],
            exclude: ["Engines/CRI"], swiftSettings: swiftSettings),
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: swiftSettings),
        .target(
            name: "Support", dependencies: ["EventLoop", "Linux"], path: "Tests/Support", swiftSettings: swiftSettings),
    ]
)
