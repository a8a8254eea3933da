import Foundation
import GuestImage

/// One call of the tool: reads the package, and writes the guest's files unless those there were made from the same.
struct GuestImageBuild {
    static let usage = "usage: guest-image --kernel-package-root DIR --agent FILE --pause FILE --output DIR"
    /// Raised with every change that makes other files out of the same input.
    static let formatVersion = 2

    let package: KernelPackage
    let agentPath: String
    let pausePath: String
    let output: OutputDirectory
    let selection = ModuleSelection.standard

    init(arguments: [String]) throws(BuildError) {
        var values: [String: String] = [:]
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard ["--kernel-package-root", "--agent", "--pause", "--output"].contains(option) else {
                throw .usage("unknown option \(option)")
            }
            guard let value = rest.popFirst(), !value.isEmpty else { throw .usage("\(option) needs a value") }
            guard values.updateValue(value, forKey: option) == nil else { throw .usage("\(option) given twice") }
        }
        guard let root = values["--kernel-package-root"], let agent = values["--agent"], let pause = values["--pause"],
            let out = values["--output"]
        else { throw .usage("four options are needed") }
        package = try KernelPackage(root: root)
        (agentPath, pausePath) = (agent, pause)
        output = OutputDirectory(path: out)
    }

    /// What was done, in one line.
    func run() throws(BuildError) -> String {
        try output.create()
        let lock = try output.lock()
        defer { lock.closeFile() }
        let key = try contentKey()
        if output.holds(key: key) { return "\(output.path): up to date" }
        let initrd = try initrd()
        try output.remove(.key)
        try writeKernel()
        try writeInitrd(initrd)
        try output.write(Array(initrd.order.utf8), as: .moduleList)
        try output.write(Array(key.utf8), as: .key)
        return "\(output.path): made for Linux \(package.version), \(initrd.modulePaths.count) modules"
    }

    /// Everything that the output depends on, as text: a line of it that differs says why a build was made anew. The
    /// modules themselves are not hashed: they come with the kernel, which has no two builds of the same bytes.
    private func contentKey() throws(BuildError) -> String {
        let inputs = [package.kernelPath, agentPath, pausePath, package.dependenciesPath, package.builtInPath]
        let sums = try Subprocess.output(of: ["b2sum", "--length=256", "--"] + inputs)
        var lines = ["format \(Self.formatVersion)"]
        for (input, line) in zip(["kernel", "agent", "pause", "dependencies", "built-in"], sums.split(separator: "\n"))
        {
            lines.append("\(input) \(line.prefix { $0 != " " })")
        }
        lines.append("boot " + selection.boot.joined(separator: " "))
        lines += selection.later.map { "later \($0.name): " + $0.modules.joined(separator: " ") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func initrd() throws(BuildError) -> Initrd {
        let dependencies = try package.dependencies()
        do { return try Initrd(selection, in: dependencies) } catch { throw .modules(package.dependenciesPath, error) }
    }

    private func writeKernel() throws(BuildError) {
        let path = package.kernelPath
        let bytes = try readFile(path)
        let image: KernelImage
        do { image = try KernelImage(bytes) } catch { throw .kernel(path, error) }
        let kernel = try Subprocess.unpack(Array(bytes[image.payload]), image.compression, in: output)
        guard kernel.count == image.uncompressedBytes else {
            throw .unpackedSize(path, bytes: kernel.count, expected: image.uncompressedBytes)
        }
        guard KernelImage.hasPVHEntry(kernel) else { throw .noPVHEntry(path) }
        try output.write(KernelImage.trimmed(kernel), as: .kernel)
    }

    private func writeInitrd(_ initrd: Initrd) throws(BuildError) {
        var modules: [[UInt8]] = []
        for path in initrd.modulePaths {
            let bytes = try readFile(package.modulesPath + "/" + path)
            if let compression = Compression(magicOf: bytes) {
                modules.append(try Subprocess.unpack(bytes, compression, in: output))
            } else {
                modules.append(bytes)
            }
        }
        let agent = try readFile(agentPath), pause = try readFile(pausePath)
        let archive: CPIOArchive
        do { archive = try initrd.archive(agent: agent, pause: pause, modules: modules) } catch {
            throw .archive(error)
        }
        try output.write(archive.bytes(), as: .initrd)
    }
}

/// The whole file at `path`.
func readFile(_ path: String) throws(BuildError) -> [UInt8] {
    do {
        return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
        throw .file(path, doing: "read", because: error.localizedDescription)
    }
}
