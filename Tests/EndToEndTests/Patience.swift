/// Of tests, with what hangs: six machines under emulation on two slow processors keep a command waiting for long.
enum Patience {
    static let limit = Duration.seconds(150)
}
