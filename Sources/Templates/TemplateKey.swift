import Linux
import QEMU

/// All that a template depends on: one that was made with anything else is another template.
public struct TemplateKey: Equatable, Sendable {
    /// One of those things, for people.
    public struct Input: Equatable, Sendable {
        public let name: String
        public let value: String

        public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    public let inputs: [Input]

    public init(_ inputs: [Input]) { self.inputs = inputs }

    /// The input of that name; empty when there is none.
    public subscript(_ name: String) -> String { inputs.first { $0.name == name }?.value ?? "" }

    /// 32 hexadecimal digits.
    public var id: String {
        // Neither a name nor a value has a NUL.
        ContentDigest.hex(of: inputs.flatMap { Array("\($0.name)\0\($0.value)\0".utf8) })
    }

    /// Of that machine on this host. Files count by what the file system says of them: nobody changes one without that.
    /// - Throws: when a file of the machine's is not there.
    public init(_ machine: MachineConfiguration) throws(SystemCallError) {
        var template = machine
        template.beginning = .template
        inputs = [
            Input("format", "\(TemplateHeader.format)"),
            Input("accelerator", machine.accelerator.rawValue),
            Input("emulator", try Self.identity(of: machine.emulator)),
            Input("kernel", try Self.identity(of: machine.kernel)),
            Input("initrd", try Self.identity(of: machine.initrd)),
            Input("arguments", template.arguments.joined(separator: " ")),
            Input("host kernel", try Self.hostKernel()),
            Input("processor", Self.processor(in: try Self.processorText())),
        ]
    }

    /// What the file system says of a file, of what a link leads to: another text once anybody has changed it.
    public static func identity(of path: String) throws(SystemCallError) -> String {
        let status = try Files.open(path, .path).status()
        let (modified, changed) = (status.modified, status.changed)
        return "\(path) \(status.device):\(status.inode) \(status.sizeBytes) bytes "
            + "\(modified.seconds).\(modified.nanoseconds) \(changed.seconds).\(changed.nanoseconds)"
    }

    private static func hostKernel() throws(SystemCallError) -> String {
        let parts = ["osrelease", "version"].map { name in
            // Every Linux has both.
            ((try? Files.readText("/proc/sys/kernel/" + name)) ?? "").filter { !$0.isNewline }
        }
        return parts.joined(separator: " ")
    }

    /// Enough for the first processor: there may be hundreds, and the kernel takes its time for each.
    private static func processorText() throws(SystemCallError) -> String {
        String(decoding: try Files.open("/proc/cpuinfo").read(upTo: 4096), as: UTF8.self)
    }

    /// What the first processor of /proc/cpuinfo is, without what changes as it runs.
    static func processor(in text: String) -> String {
        let wanted = ["vendor_id", "cpu family", "model", "model name", "stepping", "microcode", "flags"]
        var found: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":") else { continue }
            func trimmed(_ part: Substring) -> String {
                part.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            }
            let name = trimmed(line[..<colon])
            if wanted.contains(name) { found.append(trimmed(line[line.index(after: colon)...])) }
        }
        return found.joined(separator: ", ")
    }
}
