extension TmpfsRequest {
    /// Options without a value.
    static let flags = [
        "ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "sync", "async", "dirsync", "atime", "noatime",
        "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime", "defaults",
    ]
    /// Options with a value.
    static let settings = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks"]

    /// `--tmpfs PATH[:OPTIONS]`, such as `/run:size=64m,mode=1777,exec`.
    ///
    /// Source: docker/docs for `--tmpfs`; moby, MergeTmpfsOptions; tmpfs(5).
    /// - Throws: What is wrong with the path or with an option.
    public static func parse(_ text: String) throws(ValueError) -> TmpfsRequest {
        guard text.utf8.count <= CommaSeparatedFields.maximumBytes else {
            throw .malformed(what: "tmpfs", value: text, expected: "PATH[:OPTIONS]")
        }
        let (path, behind) = text.cut(at: ":")
        var request = TmpfsRequest(target: try MountPath.target(path))
        guard let behind, !behind.isEmpty else { return request }
        for option in behind.split(at: ",") {
            try check(option)
            request.options.append(option)
        }
        return request
    }

    private static func check(_ option: String) throws(ValueError) {
        let (key, behind) = option.cut(at: "=")
        guard let value = behind else {
            if flags.contains(key) { return }
            guard settings.contains(key) else { throw unknown(key) }
            throw .malformed(what: "tmpfs option", value: option, expected: "a value, as in \(key)=VALUE")
        }
        let isValid: Bool
        let expected: String
        switch key {
        case "size":
            (isValid, expected) = (isSize(value, suffixes: "kmg%"), "a size, such as 64m or 10%")
        case "nr_inodes", "nr_blocks":
            (isValid, expected) = (isSize(value, suffixes: "kmg"), "a number, such as 100k")
        case "mode":
            let mode = value.isDigits ? UInt16(value, radix: 8) : nil
            (isValid, expected) = (mode.map { $0 <= 0o7777 } ?? false, "an octal mode up to 7777, such as 1777")
        case "uid", "gid":
            (isValid, expected) = (value.isDigits && UInt32(value) != nil, "a number")
        default: throw unknown(key)
        }
        guard isValid else { throw .malformed(what: "tmpfs option", value: option, expected: expected) }
    }

    private static func unknown(_ key: String) -> ValueError {
        .unknownName(what: "tmpfs option", value: key, known: settings + flags)
    }

    /// As the kernel's memparse reads it, with fewer units.
    private static func isSize(_ text: String, suffixes: String) -> Bool {
        var digits = text
        if let last = text.lowercased().last, suffixes.contains(last) { digits.removeLast() }
        return digits.isDigits && UInt64(digits) != nil
    }
}
