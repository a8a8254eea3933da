extension MountRequest {
    /// `--volume HOST:CONTAINER[:OPTIONS]`. Options: `ro`, `rw`, `z`, `Z`, a propagation, and, without effect as in
    /// docker on Linux, `consistent`, `cached`, `delegated` and `default`; one of each sort.
    ///
    /// Source: docker/cli, cli/compose/loader/volume.go; moby, volume/mounts/linux_parser.go.
    /// - Throws: `.unsupported` for a named or anonymous volume, else what is wrong with a part.
    public static func parse(volume text: String) throws(ValueError) -> MountRequest {
        let what = "volume"
        // The kernel's limit for one path would refuse longer ones anyway.
        let parts = text.utf8.count <= 4 * MountPath.maximumBytes ? text.split(at: ":") : []
        guard (1...3).contains(parts.count), let source = parts.first, parts.allSatisfy({ !$0.isEmpty }) else {
            throw .malformed(what: what, value: text, expected: "HOST:CONTAINER[:OPTIONS]")
        }
        guard parts.count > 1 else {
            throw .unsupported(
                what: "anonymous volume", value: text, instead: "use --tmpfs \(shown(text)), or name a path of the host"
            )
        }
        guard let first = source.utf8.first, first == UInt8(ascii: "/") || first == UInt8(ascii: ".") else {
            throw .unsupported(
                what: "named volume", value: source, instead: "use a path of the host, such as ./\(shown(source))")
        }
        var bind = BindRequest(
            source: try MountPath.source(source), target: try MountPath.target(parts[1]), createsSource: true)
        if parts.count == 3 { try bind.apply(options: parts[2]) }
        return .bind(bind)
    }
}

extension BindRequest {
    private static let consistencies = ["consistent", "cached", "delegated", "default"]

    fileprivate mutating func apply(options: String) throws(ValueError) {
        var sorts: Set<String> = []
        for option in options.split(at: ",") {
            let sort: String
            switch option {
            case "ro", "rw":
                sort = "access"
                isReadOnly = option == "ro"
            case "z", "Z":
                sort = "label"
                relabeling = option == "z" ? .shared : .exclusive
            case "nocopy", "copy":
                throw .unsupported(what: "volume option", value: option, instead: "it is for named volumes")
            default:
                if let known = Propagation(rawValue: option) {
                    sort = "propagation"
                    propagation = known
                } else if Self.consistencies.contains(option) {
                    sort = "consistency"
                } else {
                    throw .unknownName(
                        what: "volume option", value: option,
                        known: ["ro", "rw", "z", "Z"] + Propagation.allCases.map(\.rawValue) + Self.consistencies)
                }
            }
            guard sorts.insert(sort).inserted else {
                throw .malformed(what: "volume options", value: options, expected: "one of each sort")
            }
        }
    }
}
