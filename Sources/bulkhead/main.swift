import BulkheadCLI
import Confinement
import ContainerProxy
import ContainerdShim
import Linux
import Monitor
import OCIRuntimeCLI

// One executable under several names; which one it was called by decides what it is.
if ContainerProxy.isWanted { ContainerProxy.main() }
switch CommandLine.arguments.first {
case Confinement.programName: Confinement.main()
case Monitor.programName:
    Monitor.main(launcher: try Files.readLink("/proc/self/exe"), version: BulkheadVersion.text) { seat in
        try ShimServer(seat, version: BulkheadVersion.text)
    }
case TemplateBuilder.programName: TemplateBuilder.main(launcher: try Files.readLink("/proc/self/exe"))
case Reaper.programName: Reaper.main()
case let name?:
    switch name.split(separator: "/").last.map(String.init) {
    case OCIRuntimeCLI.programName: OCIRuntimeCLI.main(version: BulkheadVersion.text)
    case ShimCommand.programName: ShimCommand.main(version: BulkheadVersion.text)
    default: BulkheadCLI.main()
    }
case nil: BulkheadCLI.main()
}
