extension MountRequest {
    /// `--mount type=bind,source=…,target=…` or `type=tmpfs,target=…`, comma-separated, a field in double quotes where
    /// it holds a comma. A later field wins over an earlier one with the same name.
    ///
    /// For binds: `readonly`, `bind-propagation`, `bind-nonrecursive`, `bind-recursive` (`enabled`, `disabled`). For
    /// tmpfs: `readonly`, `tmpfs-size`, `tmpfs-mode` (octal). `consistency` has no effect, as in docker on Linux.
    ///
    /// Source: docker/cli, opts/mount.go.
    /// - Throws: `.unsupported` for volumes (docker's type where none is given) and other types, else what is wrong
    ///   with a field.
    public static func parse(mount text: String) throws(ValueError) -> MountRequest {
        guard let fields = CommaSeparatedFields.split(text) else {
            throw .malformed(
                what: "mount", value: text, expected: "comma-separated fields, such as type=bind,source=/a,target=/b")
        }
        var request = MountFields(text: text)
        for field in fields {
            let (key, value) = field.cut(at: "=")
            try request.take(key: key, value: value, field: field)
        }
        return try request.finish()
    }
}

/// The fields of one `--mount`, which may come in any order: what fits together is judged at the end.
private struct MountFields {
    private static let keys = [
        "type", "source", "src", "target", "dst", "destination", "readonly", "ro", "consistency", "bind-propagation",
        "bind-nonrecursive", "bind-recursive", "tmpfs-size", "tmpfs-mode",
    ]

    let text: String
    private var type = "volume"
    private var source = ""
    private var target = ""
    private var isReadOnly = false
    private var propagation: BindRequest.Propagation?
    private var isRecursive = true
    private var sizeBytes: Int64?
    private var mode: UInt16?
    private var bindKey: String?
    private var tmpfsKey: String?

    init(text: String) { self.text = text }

    mutating func take(key: String, value: String?, field: String) throws(ValueError) {
        if key.hasPrefix("bind-") { bindKey = key }
        if key.hasPrefix("tmpfs-") { tmpfsKey = key }
        if key.hasPrefix("volume-") {
            throw .unsupported(what: "mount field", value: key, instead: "there are no named volumes, use type=bind")
        }
        switch (key, value) {
        case ("type", let value?): type = value.lowercased()
        case ("source", let value?), ("src", let value?): source = value
        case ("target", let value?), ("dst", let value?), ("destination", let value?): target = value
        case ("readonly", let value), ("ro", let value): isReadOnly = try boolean(value, field)
        case ("bind-nonrecursive", let value): isRecursive = try !boolean(value, field)
        case ("bind-recursive", let value?): isRecursive = try recursion(value)
        case ("bind-propagation", let value?):
            guard let known = BindRequest.Propagation(rawValue: value.lowercased()) else {
                throw .unknownName(
                    what: key, value: value, known: BindRequest.Propagation.allCases.map(\.rawValue))
            }
            propagation = known
        case ("tmpfs-size", let value?): sizeBytes = try ByteSize.parse(value)
        case ("tmpfs-mode", let value?):
            guard value.isDigits, let known = UInt16(value, radix: 8), known <= 0o7777 else {
                throw .malformed(what: key, value: value, expected: "an octal mode up to 7777, such as 1770")
            }
            mode = known
        case ("consistency", _?): break
        default:
            if value == nil, Self.keys.contains(key) {
                throw .malformed(what: "mount field", value: field, expected: "a value, as in \(key)=VALUE")
            }
            throw .unknownName(what: "mount field", value: key, known: Self.keys)
        }
    }

    func finish() throws(ValueError) -> MountRequest {
        switch type {
        case "bind":
            if let tmpfsKey { throw stranger(tmpfsKey) }
            guard !source.isEmpty else { throw missing("source") }
            return .bind(
                BindRequest(
                    source: try MountPath.source(source), target: try checkedTarget(), isReadOnly: isReadOnly,
                    propagation: propagation, isRecursive: isRecursive))
        case "tmpfs":
            if let bindKey { throw stranger(bindKey) }
            guard source.isEmpty else { throw stranger("source") }
            var options = isReadOnly ? ["ro"] : []
            if let sizeBytes, sizeBytes > 0 { options.append("size=\(sizeBytes)") }
            if let mode { options.append("mode=" + String(mode, radix: 8)) }
            return .tmpfs(TmpfsRequest(target: try checkedTarget(), options: options))
        case "volume":
            throw .unsupported(
                what: "mount type", value: type, instead: "there are no named volumes, use type=bind or type=tmpfs")
        case "image", "npipe", "cluster", "devpts":
            throw .unsupported(what: "mount type", value: type, instead: "use type=bind or type=tmpfs")
        default:
            throw .unknownName(what: "mount type", value: type, known: ["bind", "tmpfs"])
        }
    }

    private func checkedTarget() throws(ValueError) -> String {
        guard !target.isEmpty else { throw missing("target") }
        return try MountPath.target(target)
    }

    private func boolean(_ value: String?, _ field: String) throws(ValueError) -> Bool {
        guard let value else { return true }
        guard let known = Boolean.parse(value) else {
            throw .malformed(what: "mount field", value: field, expected: "true or false")
        }
        return known
    }

    private func recursion(_ value: String) throws(ValueError) -> Bool {
        switch value {
        case "enabled": return true
        case "disabled": return false
        case "writable", "readonly":
            throw .unsupported(what: "bind-recursive", value: value, instead: "use enabled or disabled")
        default: throw .unknownName(what: "bind-recursive", value: value, known: ["enabled", "disabled"])
        }
    }

    private func missing(_ key: String) -> ValueError {
        .malformed(what: "mount", value: text, expected: "a \(key), as in \(key)=/path")
    }

    private func stranger(_ key: String) -> ValueError {
        .malformed(what: "mount", value: text, expected: "no \(key) with type=\(type)")
    }
}
