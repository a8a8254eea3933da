import Agent
import CAgent
import Container
import EventLoop
import Seccomp

if CommandLine.arguments.first == ContainerInit.programName {
    ContainerInit.run { spec throws(ContainerError) in
        do throws(SeccompError) {
            try SeccompFilter(spec).install()
        } catch {
            throw ContainerError("install the seccomp filter", "\(error)")
        }
    }
}
if CommandLine.arguments.first == ContainerFiles.programName { ContainerFiles.run() }
EventLoop.run { await Agent.run() }
