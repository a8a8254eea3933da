import GuestImage

/// Everything that stops the tool, in words for the person who called it.
enum BuildError: Error, CustomStringConvertible {
    case usage(String)
    case file(String, doing: String, because: String)
    case tool(String, because: String)
    case kernel(String, KernelImageError)
    case unpackedSize(String, bytes: Int, expected: Int)
    case noPVHEntry(String)
    case kernelsFound([String], in: String)
    case modules(String, ModuleDependencyError)
    case archive(CPIOError)

    var isUsage: Bool { if case .usage = self { true } else { false } }

    var description: String {
        switch self {
        case .usage(let problem): "\(problem)\n\(GuestImageBuild.usage)"
        case .file(let path, let action, let reason): "\(path): cannot \(action): \(reason)"
        case .tool(let name, let reason): "\(name): \(reason)"
        case .kernel(let path, let error): "\(path): not a kernel image that can be unpacked: \(error)"
        case .unpackedSize(let path, let bytes, let expected): "\(path): unpacked to \(bytes) bytes, not to \(expected)"
        case .noPVHEntry(let path): "\(path): no PVH entry point, QEMU cannot start it unpacked (CONFIG_PVH)"
        case .kernelsFound(let names, let directory):
            "\(directory): exactly one vmlinuz-VERSION is needed, found: \(names.joined(separator: " "))"
        case .modules(let path, let error): "\(path): \(error)"
        case .archive(let error): "initrd: \(error)"
        }
    }
}
