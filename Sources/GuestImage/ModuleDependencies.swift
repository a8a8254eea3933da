/// Which kernel modules need which others: `modules.dep` and `modules.builtin` of one kernel, and the order in which a
/// wanted few must be loaded. Names are compared as the kernel does: `-` equals `_`.
///
/// Source: modules.dep(5), Documentation/kbuild/kbuild.rst ("modules.builtin").
public struct ModuleDependencies: Sendable, Equatable {
    /// Largest of the two files, in bytes.
    public static let maximumTextBytes = 16 << 20
    /// Most modules in `modules.dep`.
    public static let maximumModules = 65_536

    private struct Module: Sendable, Equatable {
        var path: String
        var dependencies: [String]
    }
    private var modules: [String: Module] = [:]
    private var builtIn: Set<String> = []

    /// Parses the two files, given as they are on disk. Nothing in them can trap.
    /// - Throws: `.tooLarge`, `.notText`, `.malformedLine`, `.duplicateModule`.
    public init(dependencies: [UInt8], builtIn: [UInt8]) throws(ModuleDependencyError) {
        for (number, line) in try Self.lines(of: dependencies, file: "modules.dep").enumerated() where !line.isEmpty {
            guard modules.count < Self.maximumModules else { throw .tooLarge(file: "modules.dep") }
            let parts = line.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Self.name(ofPath: Substring(parts[0])) else {
                throw .malformedLine(file: "modules.dep", number: number + 1)
            }
            let needed = parts[1].split(separator: UInt8(ascii: " ")).map { String(Substring($0)) }
            let module = Module(path: String(Substring(parts[0])), dependencies: needed)
            guard modules.updateValue(module, forKey: name) == nil else { throw .duplicateModule(name) }
        }
        for (number, line) in try Self.lines(of: builtIn, file: "modules.builtin").enumerated() where !line.isEmpty {
            guard let name = Self.name(ofPath: line) else {
                throw .malformedLine(file: "modules.builtin", number: number + 1)
            }
            self.builtIn.insert(name)
        }
    }

    /// Paths as in `modules.dep` of `wanted` and all that they need, each once, each after what it needs, and apart from
    /// that in the order of `wanted`. Modules that are part of the kernel are left out.
    /// - Parameter wanted: names without directory and suffix, such as `virtio-rng`.
    /// - Throws: `.unknownModule`, `.missingDependency`, `.cycle`.
    public func loadOrder(of wanted: [String]) throws(ModuleDependencyError) -> [String] {
        var order: [String] = []
        var loaded: Set<String> = []
        for name in wanted {
            let name = Self.canonical(name)
            if builtIn.contains(name) { continue }
            guard modules[name] != nil else { throw .unknownModule(name) }
            try visit(name, loaded: &loaded, order: &order)
        }
        return order
    }

    /// Depth first with a stack of its own: a chain in the file may be longer than the thread's stack is deep.
    private func visit(
        _ root: String, loaded: inout Set<String>, order: inout [String]
    ) throws(ModuleDependencyError) {
        var stack = [root]
        var open: Set<String> = []
        while let name = stack.last {
            guard !loaded.contains(name), let module = modules[name] else {
                stack.removeLast()
                continue
            }
            if open.remove(name) != nil {
                loaded.insert(name)
                order.append(module.path)
                stack.removeLast()
                continue
            }
            open.insert(name)
            // The file lists the nearest first, and what is pushed last is loaded first.
            for path in module.dependencies {
                guard let needed = Self.name(ofPath: path[...]), modules[needed] != nil else {
                    throw .missingDependency(of: name, path: path)
                }
                guard !open.contains(needed) else { throw .cycle(through: needed) }
                if !loaded.contains(needed) { stack.append(needed) }
            }
        }
    }

    /// The name under which the kernel knows the module at `path`, or `nil` if that is not a module's path.
    static func name(ofPath path: Substring) -> String? {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let file = parts.last.map { Substring($0) } ?? path
        for suffix in [".ko", ".ko.xz", ".ko.zst", ".ko.gz"] where file.hasSuffix(suffix) {
            let name = file.dropLast(suffix.count)
            return name.isEmpty ? nil : canonical(String(name))
        }
        return nil
    }

    static func canonical(_ name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }

    private static func lines(of text: [UInt8], file: String) throws(ModuleDependencyError) -> [Substring] {
        guard text.count <= maximumTextBytes else { throw .tooLarge(file: file) }
        guard let text = String(validating: text, as: UTF8.self) else { throw .notText(file: file) }
        // By bytes: as characters, a line feed behind a carriage return would not count as one.
        return text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
    }
}

/// Why the modules of a kernel could not be put in order.
public enum ModuleDependencyError: Error, Equatable, Sendable {
    /// More bytes or more modules than the limits of `ModuleDependencies`.
    case tooLarge(file: String)
    /// Not valid UTF-8.
    case notText(file: String)
    /// A line that names no module, or without a colon.
    case malformedLine(file: String, number: Int)
    /// Two lines of `modules.dep` for one name.
    case duplicateModule(String)
    /// Wanted, but neither a module of this kernel nor part of it.
    case unknownModule(String)
    /// A module needs a path that has no line of its own.
    case missingDependency(of: String, path: String)
    /// A module needs itself in the end.
    case cycle(through: String)
}
