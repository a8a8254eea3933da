import EventLoop
import Linux
import QEMU
import Templates

/// What a pod's machine begins as: a template's clone, where there is one, and what is to be done where there is none.
@EventLoop final class TemplateChoice {
    private let configuration: MonitorConfiguration
    private let store: TemplateStore
    /// Nil when templates are not wanted, or do not work here.
    private let key: TemplateKey?
    let template: Template?
    /// The machine that is to be its clone.
    private(set) var machine: MachineConfiguration
    /// Why the machine is no clone.
    private(set) var problem: TemplateProblem?

    /// - Parameter machine: of a clone.
    init(_ configuration: MonitorConfiguration, _ machine: MachineConfiguration) {
        (self.configuration, self.machine) = (configuration, machine)
        self.machine.beginning = .clone
        store = TemplateStore(directory: configuration.templates)
        guard !configuration.templates.isEmpty else {
            (key, template) = (nil, nil)
            return
        }
        var found: Template?
        let key: TemplateKey
        do throws(SystemCallError) {
            key = try TemplateKey(machine)
        } catch {
            (self.key, template, problem) = (nil, nil, .system(error))
            return
        }
        do throws(TemplateProblem) {
            found = try Template(opening: key, in: store)
        } catch {
            problem = error
        }
        (self.key, template) = (key, found)
        if case .damaged = problem { remove() }
    }

    /// The rest of what the machine goes on with, when it has been started with what there is. One that turns out to be
    /// damaged ends it.
    func load(into guest: Guest) {
        do {
            try template?.load()
        } catch {
            problem = error
            if case .damaged = error { remove() }
            guest.endMachine()
        }
    }

    /// Has a template made when there is none, and spares, once the pod's first program runs: it is not to wait for that.
    /// Nil when there are to be none.
    func serve(_ sandbox: Sandbox, launcher: String, _ host: HostNamespace) -> Successor? {
        guard let key else { return nil }
        let successor = Successor(configuration, key, launcher: launcher, host)
        let isDamaged = if case .damaged = problem { true } else { false }
        successor.needsTemplate = template == nil || isDamaged
        sandbox.firstProgramRuns = { successor.begin() }
        sandbox.noClone = problem.map { problem in
            let failure = problem == .missing ? store.lastFailure(key.id) : nil
            return problem.description + (failure.map { ", and the last could not be made: \($0.reason)" } ?? "")
        }
        sandbox.guest.cloneFailed = { [unowned sandbox] reason, wasRefused in
            sandbox.noClone = self.problem?.description ?? "no clone could be had"
            guard self.problem == nil else { return }
            guard wasRefused else { return warn("no clone could be had, and the machine boots: \(reason)") }
            self.problem = .damaged("a machine could not go on with it: \(reason)")
            self.remove()
            successor.needsTemplate = true
        }
        return successor
    }

    private func remove() {
        guard let key, let problem else { return }
        warn("\(problem): the machine boots, and the template is made anew")
        do {
            try store.remove(key.id)
        } catch {
            warn("it cannot be removed: \(error)")
        }
    }
}
