/// `--ulimit nofile=1024:2048`: a limit of the container's processes.
///
/// Source: docker/go-units, ParseUlimit; setrlimit(2).
public struct UlimitValue: Sendable, Equatable {
    /// What the kernel limits, as docker and the shell call it. `as` is missing there too: no container starts with it.
    public static let names = [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
        "rttime", "sigpending", "stack",
    ]

    /// One of `names`.
    public let name: String
    /// In the resource's own unit, at most `hard`; -1 is unlimited.
    public let soft: Int64
    /// In the resource's own unit; -1 is unlimited.
    public let hard: Int64

    /// `NAME=SOFT[:HARD]`; without a hard limit it is the soft one. `unlimited` and `infinity` are -1.
    /// - Throws: `.malformed`, `.unknownName`, `.outOfRange` for a soft limit above the hard one.
    public static func parse(_ text: String) throws(ValueError) -> UlimitValue {
        let what = "ulimit"
        let malformed = ValueError.malformed(what: what, value: text, expected: "NAME=SOFT[:HARD], such as nofile=1024")
        let (name, behind) = text.cut(at: "=")
        guard let limits = behind else { throw malformed }
        guard names.contains(name) else { throw .unknownName(what: what, value: name, known: names) }
        let (first, second) = limits.cut(at: ":")
        guard let soft = number(first), let hard = number(second ?? first) else { throw malformed }
        guard hard == -1 || (soft != -1 && soft <= hard) else {
            throw .outOfRange(what: what, value: text, allowed: "the soft limit is at most the hard one")
        }
        return UlimitValue(name: name, soft: soft, hard: hard)
    }

    private static func number(_ text: String) -> Int64? {
        if text == "unlimited" || text == "infinity" || text == "-1" { return -1 }
        guard let number = Int64(text), number >= 0 else { return nil }
        return number
    }
}
