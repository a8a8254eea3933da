extension Command {
    /// A node and the way to it.
    public struct Located: Sendable {
        /// Verbs below the root; empty for the root.
        public let path: [String]
        /// The node.
        public let command: Command
    }

    /// The root and all below it, parents first. For tests, shell completions and generated pages.
    public var allCommands: [Located] {
        var found: [Located] = []
        var waiting = [Located(path: [], command: self)]
        while let next = waiting.popLast() {
            found.append(next)
            waiting += next.command.subcommands.reversed().map { Located(path: next.path + [$0.name], command: $0) }
        }
        return found
    }

    /// The node at the end of `path` below this one; nil if there is none.
    public func command(at path: [String]) -> Command? {
        var command = self
        for name in path {
            guard let next = command.subcommands.first(where: { $0.name == name }) else { return nil }
            command = next
        }
        return command
    }

    /// What is wrong with the declaration, a line each; a test keeps it empty. Parsing takes the first of two equal
    /// names, and never traps over any of this.
    public var mistakes: [String] {
        var found: [String] = []
        check(path: [name], inherited: [], into: &found)
        return found
    }

    private func check(path: [String], inherited: Set<String>, into found: inout [String]) {
        let place = path.joined(separator: " ")
        func expect(_ holds: Bool, _ text: String) { if !holds { found.append("\(place): \(text)") } }
        expect(Self.isName(name), "bad name")
        expect(!summary.isEmpty && !summary.hasSuffix("."), "no summary, or one with a full stop")
        expect(subcommands.isEmpty || operands.isEmpty, "both subcommands and operands")
        var names = inherited
        var shorts: Set<Character> = []
        for (name, short) in options.flatMap({ option in option.names.map { ($0, nil as Character?) } })
            + options.map({ ("", $0.short) }) + notYet.map({ ($0.name, $0.short) })
        {
            if !name.isEmpty {
                expect(Self.isName(name), "bad name --\(name)")
                expect(name != "help" && names.insert(name).inserted, "--\(name) is there twice")
            }
            if let short {
                let isLetter = short.isASCII && (short.isLetter || short.isNumber)
                expect(isLetter && shorts.insert(short).inserted, "-\(short) is there twice or no letter")
            }
        }
        for option in options {
            expect(!option.summary.isEmpty && !option.summary.hasSuffix("."), "--\(option.name) has no summary")
            expect(option.placeholder != "", "--\(option.name) has no placeholder")
            expect(option.kind != .flag || option.allowedValues.isEmpty, "--\(option.name) is a flag with values")
        }
        for (earlier, later) in zip(operands, operands.dropFirst()) {
            expect(earlier.count == .one || !later.isRequired, "\(later.name) is required behind an optional operand")
            expect(earlier.count != .any && earlier.count != .atLeastOne, "\(later.name) is never reached")
        }
        expect(Set(notYetCommands.map(\.name)).count == notYetCommands.count, "a missing command is there twice")
        expect(notYetCommands.isEmpty || !subcommands.isEmpty, "missing commands without any that are there")
        var verbs: Set<String> = []
        for command in subcommands {
            expect(verbs.insert(command.name).inserted, "\(command.name) is there twice")
            expect(
                !notYetCommands.contains { $0.name == command.name }, "\(command.name) is there, and not there yet")
            command.check(path: path + [command.name], inherited: names, into: &found)
        }
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "-") else { return false }
        return name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") }
    }
}
