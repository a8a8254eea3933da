import Foundation
import GuestImage

/// An unpacked kernel package of Debian's, with the `modules.dep` that `scripts/guest/fetch-kernel` adds to it.
struct KernelPackage {
    let root: String
    /// What `uname -r` says in the guest.
    let version: String

    /// - Throws: `.kernelsFound` unless there is exactly one kernel in `root`.
    init(root: String) throws(BuildError) {
        let boot = root + "/boot"
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: boot)
        } catch {
            throw .file(boot, doing: "list", because: error.localizedDescription)
        }
        let prefix = "vmlinuz-"
        let kernels = names.filter { $0.hasPrefix(prefix) }.sorted()
        guard kernels.count == 1, let kernel = kernels.first else { throw .kernelsFound(kernels, in: boot) }
        self.root = root
        version = String(kernel.dropFirst(prefix.count))
    }

    var kernelPath: String { "\(root)/boot/vmlinuz-\(version)" }
    var modulesPath: String { "\(root)/lib/modules/\(version)" }
    var dependenciesPath: String { modulesPath + "/modules.dep" }
    var builtInPath: String { modulesPath + "/modules.builtin" }

    func dependencies() throws(BuildError) -> ModuleDependencies {
        let (loadable, builtIn) = (try readFile(dependenciesPath), try readFile(builtInPath))
        do {
            return try ModuleDependencies(dependencies: loadable, builtIn: builtIn)
        } catch {
            throw .modules(dependenciesPath, error)
        }
    }
}
