import BulkheadCLI
import Confinement
import Linux
import Monitor

// One executable under several names; which one it was called by decides what it is.
switch CommandLine.arguments.first {
case Confinement.programName: Confinement.main()
case Monitor.programName: Monitor.main(launcher: try Files.readLink("/proc/self/exe"), version: BulkheadVersion.text)
case TemplateBuilder.programName: TemplateBuilder.main(launcher: try Files.readLink("/proc/self/exe"))
case Reaper.programName: Reaper.main()
default: BulkheadCLI.main()
}
