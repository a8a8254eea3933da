import Confinement

// One executable under several names; which one it was called by decides what it is.
switch CommandLine.arguments.first {
case Confinement.programName: Confinement.main()
default:
    print("bulkhead: there is no command yet; see README.md for what is there")
}
