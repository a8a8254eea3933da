import Linux
import Tar

/// What could not be packed or unpacked, and why.
public struct ArchiveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reason.
    public enum Problem: Equatable, Sendable {
        case system(SystemCallError)
        /// The archive itself could not be read, or not be written.
        case input(SystemCallError)
        case output(SystemCallError)
        /// The archive is damaged, or is none. `entry` is the one before.
        case malformed(TarError)
        /// It does not fit into an archive: a name that is too long, for instance.
        case unfit(TarError.Reason)
        /// More directories wait to be packed than are kept in mind.
        case tooManyDirectories(limit: Int)
        /// A name, or a hard link's target, with `..` in it, or with nothing in it.
        case climbs
        /// A symbolic link is where a name, or a hard link's target, goes through.
        case throughLink
        case device
        case overDirectory
        case overNonDirectory
    }

    /// The entry's name, as it is in the archive; for people. Empty when it is not about an entry.
    public let entry: String
    public let problem: Problem

    init(_ entry: [UInt8], _ problem: Problem) {
        self.entry = Files.printable(entry)
        self.problem = problem
    }

    public var description: String {
        switch problem {
        case .system(let error): about("\(error)")
        case .input(let error): "the archive cannot be read: \(error)"
        case .output(let error): "the archive cannot be written: \(error)"
        case .malformed(let error): entry.isEmpty ? "\(error)" : "\(error), after \(entry)"
        case .unfit(let reason): about("\(reason)")
        case .tooManyDirectories(let limit): about("more than \(limit) directories beside those above it")
        case .climbs: about("its name or its link's target leads out of the destination")
        case .throughLink: about("a symbolic link is in its way")
        case .device: about("a device, which is not made here")
        case .overDirectory: about("cannot replace a directory by something else")
        case .overNonDirectory: about("cannot replace something else by a directory")
        }
    }

    private func about(_ text: String) -> String { entry.isEmpty ? text : "\(entry): \(text)" }
}
