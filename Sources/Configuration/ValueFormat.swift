import YAML

/// How a kind of value is written in the file.
struct ValueFormat<Value: Equatable & Sendable>: Sendable {
    /// What may be written, for the documentation.
    let description: String
    /// A sequence of the file is parsed as its elements with commas.
    var isList = false
    let parse: @Sendable (YAMLScalar) throws(ValueProblem) -> Value
    /// YAML that `parse` reads back.
    let text: @Sendable (Value) -> String
}

extension ValueFormat where Value == UInt64 {
    /// A size in bytes. `multiple` is a power of two.
    static func size(_ range: ClosedRange<UInt64>, multipleOf multiple: UInt64 = 1) -> ValueFormat {
        let step = multiple == 1 ? "" : ", a multiple of \(SizeText.text(multiple))"
        return ValueFormat(
            description: "size, \(SizeText.text(range.lowerBound)) to \(SizeText.text(range.upperBound))\(step)",
            parse: { scalar throws(ValueProblem) in
                let bytes = try check(try SizeText.parse(scalar.text), range, SizeText.text)
                guard bytes % multiple == 0 else {
                    throw ValueProblem("is not a multiple of \(SizeText.text(multiple))")
                }
                return bytes
            }, text: SizeText.text)
    }
}

extension ValueFormat where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> ValueFormat {
        ValueFormat(
            description: "duration, \(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))",
            parse: { scalar throws(ValueProblem) in
                try check(try DurationText.parse(scalar.text), range, DurationText.text)
            }, text: DurationText.text)
    }
}

extension ValueFormat where Value == Int {
    static func count(_ range: ClosedRange<Int>) -> ValueFormat {
        ValueFormat(
            description: "number, \(range.lowerBound) to \(range.upperBound)",
            parse: { scalar throws(ValueProblem) in
                guard scalar.style == .plain else { throw ValueProblem("is no number: write it without quotes") }
                let number = try Quantity.number(scalar.text)
                return try check(Int(clamping: number), range) { "\($0)" }
            }, text: { "\($0)" })
    }
}

extension ValueFormat where Value == Bool {
    static func truth() -> ValueFormat {
        ValueFormat(
            description: "`true` or `false`",
            parse: { scalar throws(ValueProblem) in
                guard scalar.style == .plain else { throw ValueProblem("is no truth value: write it without quotes") }
                guard scalar.tag == .bool else { throw ValueProblem("is neither true nor false") }
                return scalar.text.lowercased() == "true"
            }, text: { "\($0)" })
    }
}

extension ValueFormat where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of a few words.
    static func word() -> ValueFormat {
        let words = Value.allCases.map(\.rawValue)
        return ValueFormat(
            description: words.map { "`\($0)`" }.joined(separator: ", "),
            parse: { scalar throws(ValueProblem) in
                guard let value = Value(rawValue: scalar.text) else {
                    throw ValueProblem("is none of \(words.joined(separator: ", "))")
                }
                return value
            }, text: \.rawValue)
    }
}

extension ValueFormat where Value == String {
    /// An absolute path. `maximumBytes` bounds it.
    static func path(maximumBytes: Int = AbsolutePath.maximumBytes) -> ValueFormat {
        ValueFormat(
            description: "absolute path" + (maximumBytes < AbsolutePath.maximumBytes ? ", \(maximumBytes) bytes" : ""),
            parse: { scalar throws(ValueProblem) in
                try AbsolutePath.check(scalar.text, maximumBytes: maximumBytes)
            }, text: AbsolutePath.text)
    }
}

extension ValueFormat where Value == String? {
    /// An absolute path, or `null` for none.
    static func optionalPath() -> ValueFormat {
        ValueFormat(
            description: "absolute path or `null`",
            parse: { scalar throws(ValueProblem) in
                scalar.tag == .null ? nil : try AbsolutePath.check(scalar.text)
            }, text: { $0.map(AbsolutePath.text) ?? "null" })
    }
}

extension ValueFormat where Value == [String] {
    /// Names of annotations, with commas or as a list.
    static func annotations() -> ValueFormat {
        let known = Configuration.annotationNames
        return ValueFormat(
            description: "list of " + known.map { "`\($0)`" }.joined(separator: ", "), isList: true,
            parse: { scalar throws(ValueProblem) in
                let names = scalar.tag == .null ? [] : scalar.text.split(separator: ",").map(String.init)
                guard let unknown = names.first(where: { !known.contains($0) }) else { return names }
                throw ValueProblem("has \(unknown.prefix(80)), which is none of \(known.joined(separator: ", "))")
            }, text: { "[" + $0.joined(separator: ", ") + "]" })
    }
}

extension ValueFormat where Value == Configuration.Seccomp {
    static func seccomp() -> ValueFormat {
        ValueFormat(
            description: "`default`, `unconfined` or an absolute path",
            parse: { scalar throws(ValueProblem) in
                switch scalar.text {
                case "default": return .default
                case "unconfined": return .unconfined
                case let path where path.hasPrefix("/"): return .profile(path: try AbsolutePath.check(path))
                default: throw ValueProblem("is none of default, unconfined and an absolute path")
                }
            },
            text: { seccomp in
                switch seccomp {
                case .default: "default"
                case .unconfined: "unconfined"
                case .profile(let path): AbsolutePath.text(path)
                }
            })
    }
}

extension ValueFormat where Value == ClosedRange<UInt32> {
    /// `FIRST-LAST`, both within `range` and at most `maximumCount` ids.
    static func ids(_ range: ClosedRange<UInt32>, maximumCount: UInt32) -> ValueFormat {
        ValueFormat(
            description: "`FIRST-LAST`, \(range.lowerBound) to \(range.upperBound), at most \(maximumCount) ids",
            parse: { scalar throws(ValueProblem) in
                let ends = scalar.text.split(separator: "-", omittingEmptySubsequences: false)
                guard ends.count == 2, let first = UInt32(decimal: ends[0]), let last = UInt32(decimal: ends[1]) else {
                    throw ValueProblem("is no range: write FIRST-LAST, two numbers")
                }
                guard first <= last else { throw ValueProblem("ends before it begins") }
                guard range.contains(first), range.contains(last) else {
                    throw ValueProblem("is not within \(range.lowerBound)-\(range.upperBound)")
                }
                guard last - first < maximumCount else { throw ValueProblem("has more than \(maximumCount) ids") }
                return first...last
            }, text: { "\($0.lowerBound)-\($0.upperBound)" })
    }
}

extension UInt32 {
    fileprivate init?(decimal text: Substring) {
        guard let number = try? Quantity.number(String(text)), let id = UInt32(exactly: number) else { return nil }
        self = id
    }
}

private func check<Value: Comparable>(
    _ value: Value, _ range: ClosedRange<Value>, _ text: (Value) -> String
) throws(ValueProblem) -> Value {
    guard value >= range.lowerBound else {
        throw ValueProblem("is too small: at least \(text(range.lowerBound))")
    }
    guard value <= range.upperBound else {
        throw ValueProblem("is too large: at most \(text(range.upperBound))")
    }
    return value
}

/// Paths of the host.
enum AbsolutePath {
    /// PATH_MAX without the NUL.
    static let maximumBytes = 4095

    static func check(_ path: String, maximumBytes: Int = maximumBytes) throws(ValueProblem) -> String {
        guard path.hasPrefix("/") else { throw ValueProblem("is no absolute path") }
        guard path.utf8.count <= maximumBytes else { throw ValueProblem("is longer than \(maximumBytes) bytes") }
        guard !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw ValueProblem("has a control character")
        }
        guard !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) else {
            throw ValueProblem("has a component . or ..")
        }
        return path
    }

    /// Plain where nothing in it means anything to YAML.
    static func text(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "-")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
        return isPlain ? path : YAMLText.doubleQuoted(path)
    }
}
