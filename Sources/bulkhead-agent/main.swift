import Agent
import CAgent
import Container
import EventLoop
import Seccomp

if CommandLine.arguments.first == ZygoteProcess.programName {
    ZygoteProcess.run { spec throws(ContainerError) in
        do throws(SeccompError) {
            return try SeccompFilter(spec).program()
        } catch {
            throw ContainerError("make the seccomp filter", "\(error)")
        }
    }
}
if CommandLine.arguments.first == ContainerFiles.programName { ContainerFiles.run() }
EventLoop.run { await Agent.run() }
