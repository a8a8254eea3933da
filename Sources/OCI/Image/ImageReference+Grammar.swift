extension ImageReference {
    static func checkedRegistry(_ text: Substring) throws(ImageReferenceError) -> String {
        try limit(text, .registry, maximumNameBytes)
        var host = text
        // The colons of an IPv6 address are inside brackets.
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            host = text[..<colon]
            let port = text[text.index(after: colon)...]
            guard port.utf8.allSatisfy(isNumeral), let number = UInt16(port), number > 0 else {
                throw invalid(.registry, text, "the port is not a number from 1 to 65535")
            }
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let address = host.dropFirst().dropLast()
            guard !address.isEmpty, address.utf8.allSatisfy({ Digest.isDigit($0 | 0x20) || $0 == UInt8(ascii: ":") })
            else { throw invalid(.registry, text, "not an IPv6 address") }
            return String(text)
        }
        for label in host.split(separator: ".", omittingEmptySubsequences: false) {
            guard let first = label.utf8.first, let last = label.utf8.last, isAlphanumeric(first),
                isAlphanumeric(last), label.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") })
            else { throw invalid(.registry, text, "not a host name") }
        }
        return String(text)
    }

    /// - Parameter prefix: what the repository begins with beside `text`; it takes of the bytes that there are for both.
    static func checkedRepository(_ text: Substring, beside prefix: String) throws(ImageReferenceError) -> String {
        try limit(text, .repository, maximumNameBytes - prefix.utf8.count)
        guard !text.isEmpty else { throw invalid(.repository, text, "is empty") }
        for component in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard !component.isEmpty else { throw invalid(.repository, text, "a part between slashes is empty") }
            guard !component.contains(where: \.isUppercase) else {
                throw invalid(.repository, text, "must be lowercase")
            }
            try checkComponent(component, of: text)
        }
        return String(text)
    }

    /// Letters and digits, with `.`, `_`, `__` or any number of `-` between them.
    private static func checkComponent(_ component: Substring, of text: Substring) throws(ImageReferenceError) {
        var separator: [UInt8] = []
        var isFirst = true
        for byte in component.utf8 {
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                guard !isFirst else { throw invalid(.repository, text, "a part begins with a separator") }
                separator.append(byte)
            case _ where isAlphanumeric(byte):
                let isValid = separator.count <= 1 || Array("__".utf8) == separator
                guard isValid || separator.allSatisfy({ $0 == UInt8(ascii: "-") }) else {
                    throw invalid(.repository, text, "separators are ., _, __ or dashes")
                }
                separator = []
            default: throw invalid(.repository, text, "has a character other than a-z, 0-9, ., _ and -")
            }
            isFirst = false
        }
        guard separator.isEmpty else { throw invalid(.repository, text, "a part ends with a separator") }
    }

    static func checkedTag(_ text: Substring) throws(ImageReferenceError) -> String {
        try limit(text, .tag, maximumTagBytes)
        guard let first = text.utf8.first else { throw invalid(.tag, text, "is empty") }
        guard isAlphanumeric(first) || first == UInt8(ascii: "_") else {
            throw invalid(.tag, text, "begins with a character other than a letter, a digit or _")
        }
        guard text.utf8.allSatisfy({ isAlphanumeric($0) || "_.-".utf8.contains($0) }) else {
            throw invalid(.tag, text, "has a character other than a-z, A-Z, 0-9, ., _ and -")
        }
        return String(text)
    }

    private static func limit(
        _ text: Substring, _ part: ImageReferenceError.Part, _ limit: Int
    ) throws(ImageReferenceError) {
        guard text.utf8.count <= limit else { throw .tooLong(part: part, bytes: text.utf8.count, limit: limit) }
    }

    private static func invalid(
        _ part: ImageReferenceError.Part, _ text: Substring, _ problem: String
    ) -> ImageReferenceError {
        .invalid(part: part, text: SpecPath.shortened(String(text)), problem: problem)
    }

    private static func isNumeral(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isNumeral(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
            || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    }
}
