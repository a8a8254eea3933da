import CommandTree
import ContainerStore
import FrontEnd

extension Host {
    /// - Parameter arguments: the global options are looked at.
    /// - Throws: `HostProblem` for the configuration; for the options `CLIError`, with the code of a wrong usage.
    init(_ arguments: ParsedArguments) throws {
        let overrides = [("root", "root"), ("state", "state-dir")].compactMap { key, option in
            arguments.value(option).map { Override(key, $0, by: "--" + option) }
        }
        do {
            try self.init(overriding: overrides)
        } catch let problem as HostProblem {
            throw problem
        } catch {
            throw CLIError("\(error)", exitCode: CLIError.notRun)
        }
    }

    var store: ContainerStore { ContainerStore(root: root, state: state) }
    var pods: PodStore { PodStore(root: root, state: state) }

    /// As `sweep`, and says what could not be undone.
    func sweepTelling() {
        for error in sweep() { tell("warning: \(error)") }
    }
}
