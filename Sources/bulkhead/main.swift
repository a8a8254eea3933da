import BulkheadCLI
import Confinement
import ContainerProxy
import Linux
import Monitor
import OCIRuntimeCLI

// One executable under several names; which one it was called by decides what it is.
if ContainerProxy.isWanted { ContainerProxy.main() }
switch CommandLine.arguments.first {
case Confinement.programName: Confinement.main()
case Monitor.programName: Monitor.main(launcher: try Files.readLink("/proc/self/exe"), version: BulkheadVersion.text)
case TemplateBuilder.programName: TemplateBuilder.main(launcher: try Files.readLink("/proc/self/exe"))
case Reaper.programName: Reaper.main()
case let name? where name.split(separator: "/").last.map(String.init) == OCIRuntimeCLI.programName:
    OCIRuntimeCLI.main(version: BulkheadVersion.text)
default: BulkheadCLI.main()
}
