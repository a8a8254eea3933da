import NearestName
import YAML

/// A configuration and what of it a file has set.
public struct ConfigurationFile: Equatable, Sendable {
    public private(set) var configuration: Configuration
    /// The line of each key that the file has, by its path (`guest.memory`).
    public let lines: [String: Int]
    /// The file's name for messages, nil when there is none.
    public let name: String?
    /// The option of a command line that has set a key instead, by the key's path.
    public private(set) var options: [String: String] = [:]

    /// Without a file: the defaults.
    public init() {
        configuration = Configuration()
        lines = [:]
        name = nil
    }

    /// Sets the key `path`, which must be one of those there are, from `option` of a command line. The checks are the
    /// file's.
    /// - Throws: what is wrong, in words that follow the option.
    public mutating func set(_ path: String, to text: String, by option: String) throws(OptionProblem) {
        guard let setting = Configuration.settings.first(where: { $0.path == path }) else {
            preconditionFailure("no key \(path)")
        }
        var changed = configuration
        do throws(ValueProblem) {
            try setting.read(YAMLScalar(text: text, style: .doubleQuoted, tag: .string), &changed)
        } catch {
            throw OptionProblem(
                option: option, words: (text.isEmpty ? "an empty value" : Self.shown(text)) + " " + error.words)
        }
        configuration = changed
        options[path] = option
    }

    /// Checks what no single key can tell, once options have been set.
    public func checkTogether() throws(OptionProblem) {
        guard configuration.root == configuration.state, let option = options["state"] ?? options["root"] else {
            return
        }
        throw OptionProblem(
            option: option, words: "\(Self.shown(configuration.state)): root and state must differ")
    }

    /// A value in a message of one line.
    fileprivate static func shown(_ text: String) -> String {
        let isPlain = text.utf8.count <= 128 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isPlain ? text : YAMLText.quoted(text)
    }

    /// Takes `bytes`, the content of the file `name`.
    /// - Throws: everything that is wrong with it, in the order of the file.
    public init(_ bytes: [UInt8], name: String) throws(ConfigurationError) {
        var reader = SettingsReader()
        do throws(YAMLError) {
            if let document = try YAMLParser.parse(bytes) { reader.readDocument(document) }
        } catch {
            throw ConfigurationError(name, [.init(position: error.position, path: nil, words: error.problem)])
        }
        reader.checkTogether()
        guard reader.problems.isEmpty else { throw ConfigurationError(name, reader.problems) }
        configuration = reader.configuration
        lines = reader.positions.mapValues(\.line)
        self.name = name
    }
}

/// What is wrong with the value of an option: `--root: somewhere is no absolute path`.
public struct OptionProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// With its dashes.
    public let option: String
    public let words: String

    public var description: String { "\(option): \(words)" }
}

/// What is wrong with a file: `/etc/bulkhead/config.yaml:3:5: guest.memory: 32MiB is too small: at least 128MiB`, a
/// line for each problem.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    public struct Problem: Equatable, Sendable {
        /// Of the key, or of what cannot be read.
        public let position: YAMLPosition
        /// The key it is about, if any.
        public let path: String?
        public let words: String
    }

    /// More than these are only counted.
    static let maximumShown = 20

    public let file: String
    /// Not empty.
    public let problems: [Problem]

    init(_ file: String, _ problems: [Problem]) {
        self.file = file
        self.problems = problems
    }

    public var description: String {
        var lines = problems.prefix(Self.maximumShown).map { problem in
            "\(file):\(problem.position): " + (problem.path.map { "\($0): " } ?? "") + problem.words
        }
        if problems.count > Self.maximumShown {
            lines.append("\(file): \(problems.count - Self.maximumShown) more problems")
        }
        return lines.joined(separator: "\n")
    }
}

/// Takes the keys of a document one by one.
private struct SettingsReader {
    private(set) var configuration = Configuration()
    private(set) var positions: [String: YAMLPosition] = [:]
    private(set) var problems: [ConfigurationError.Problem] = []

    private static let sections = Set(Configuration.settings.compactMap(\.section))

    mutating func readDocument(_ document: YAMLNode) {
        switch document.content {
        case .mapping(let members):
            for member in members { read(member) }
        case .scalar(let scalar) where scalar.tag == .null && scalar.style == .plain: break
        case .scalar, .sequence: add(document.position, nil, "expected keys and values, such as \"log: {files: 3}\"")
        }
    }

    private mutating func read(_ member: YAMLMember) {
        guard Self.sections.contains(member.key) else { return read(member, in: nil) }
        switch member.value.content {
        case .mapping(let members):
            for inner in members { read(inner, in: member.key) }
        // All keys of the section may be commented out.
        case .scalar(let scalar) where scalar.tag == .null && scalar.style == .plain: break
        case .scalar, .sequence: add(member.keyPosition, member.key, "expected the keys of this section")
        }
    }

    private mutating func read(_ member: YAMLMember, in section: String?) {
        let path = (section.map { $0 + "." } ?? "") + member.key
        let known = Configuration.settings.first { $0.section == section && $0.name == member.key }
        guard let setting = known else {
            return add(member.keyPosition, nil, "unknown key \(YAMLText.quoted(path))\(Self.hint(path))")
        }
        positions[path] = member.keyPosition
        guard let scalar = Self.scalar(member.value, isList: setting.isList) else {
            return add(
                member.keyPosition, path, "expected a \(setting.isList ? "" : "single value: ")\(setting.plainFormat)")
        }
        do {
            try setting.read(scalar, &configuration)
        } catch {
            let shown = scalar.text.isEmpty ? "an empty value" : ConfigurationFile.shown(scalar.text)
            add(member.keyPosition, path, "\(shown) \(error.words)")
        }
    }

    /// A single value, or the elements of a list with commas; nil for anything else.
    private static func scalar(_ value: YAMLNode, isList: Bool) -> YAMLScalar? {
        switch value.content {
        case .scalar(let scalar): return scalar
        case .mapping: return nil
        case .sequence(let elements):
            let texts = elements.compactMap { element -> String? in
                guard case .scalar(let scalar) = element.content else { return nil }
                return scalar.text
            }
            guard isList, texts.count == elements.count else { return nil }
            return YAMLScalar(text: texts.joined(separator: ","), style: .doubleQuoted, tag: .string)
        }
    }

    /// What the author of an unknown key may have meant.
    private static func hint(_ path: String) -> String {
        let paths = Configuration.settings.map(\.path)
        if let setting = Configuration.settings.first(where: { $0.path == path }), let section = setting.section {
            return ": write \(setting.name) in the section \(section)"
        }
        // Without its section, or in another, it still is that key.
        let last = path.split(separator: ".").last
        let nearest =
            NearestName.find(path, among: paths + sections.sorted())
            ?? paths.first { $0.split(separator: ".").last == last }
        return nearest.map { ", did you mean \($0)?" } ?? ""
    }

    /// What no single key can tell.
    mutating func checkTogether() {
        guard configuration.root == configuration.state else { return }
        let position = positions["state"] ?? positions["root"] ?? YAMLPosition(line: 1, column: 1)
        add(
            position, "state",
            "\(ConfigurationFile.shown(configuration.state)) is root's directory too: they must differ")
    }

    private mutating func add(_ position: YAMLPosition, _ path: String?, _ words: String) {
        problems.append(.init(position: position, path: path, words: words))
    }
}

extension Setting {
    /// `format` without Markdown.
    fileprivate var plainFormat: String { format.filter { $0 != "`" } }
}
