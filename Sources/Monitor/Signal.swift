/// Numbers of signals in a guest, signal(7).
enum Signal {
    static let interrupt: UInt32 = 2, quit: UInt32 = 3, kill: UInt32 = 9, terminate: UInt32 = 15
    /// What a process that SIGKILL has ended is said to have exited with.
    static let killedStatus: UInt32 = 128 + kill
}
