import CommandTree

/// The options of ps that `top` takes behind the container's name. Pure.
struct ProcessListOptions: Equatable {
    private(set) var columns: [ProcessColumn]

    private static let there = "there is -e, -A, -f, -w, -o LIST, and aux"
    private static let full: [ProcessColumn.Kind] = [.uid, .pid, .ppid, .c, .stime, .tty, .time, .cmd]
    private static let user: [ProcessColumn.Kind] = [
        .user, .pid, .pcpu, .pmem, .vsz, .rss, .tty, .stat, .bsdstart, .bsdtime, .args,
    ]

    /// - Parameter command: what was typed before, for errors.
    init(_ arguments: [String], command: String) throws(UsageError) {
        var parser = Parser(rest: arguments[...], command: command)
        try parser.run()
        columns =
            if !parser.chosen.isEmpty {
                parser.chosen
            } else if parser.isUser {
                Self.user.map { ProcessColumn($0) }
            } else if parser.isFull || arguments.isEmpty {
                Self.full.map { ProcessColumn($0) }
            } else if parser.isBSD {
                [.init(.pid), .init(.tty), .init(.stat), .init(.bsdtime), .init(.args)]
            } else {
                [.init(.pid), .init(.tty), .init(.time), .init(.comm, title: "CMD")]
            }
    }

    /// `pid,args`, or with titles of its own `pid=,args=WHAT`.
    static func columns(_ list: String) throws(ValueError) -> [ProcessColumn] {
        var columns: [ProcessColumn] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let name = part.prefix { $0 != "=" }.drop { $0 == " " }
            guard let kind = ProcessColumn.Kind.named(String(name)) else {
                throw .unknownName(
                    what: "column", value: String(name), known: ProcessColumn.Kind.allCases.map(\.rawValue))
            }
            let hasTitle = part.contains("=")
            columns.append(ProcessColumn(kind, title: hasTitle ? String(part.drop { $0 != "=" }.dropFirst()) : nil))
        }
        return columns
    }

    private struct Parser {
        var rest: ArraySlice<String>
        let command: String
        var chosen: [ProcessColumn] = []
        var isFull = false, isUser = false, isBSD = false

        init(rest: ArraySlice<String>, command: String) { (self.rest, self.command) = (rest, command) }

        mutating func run() throws(UsageError) {
            while let argument = rest.popFirst() {
                let hasDash = argument.first == "-"
                let letters = hasDash ? argument.dropFirst() : argument[...]
                guard !letters.isEmpty, letters.first != "-" else { throw refused(argument) }
                // As ps has it where there is no user "x".
                let isUser = letters.contains("u") && letters.allSatisfy { "auxw".contains($0) }
                try hasDash && !isUser ? take(dashed: letters) : take(bare: letters, of: argument)
            }
            guard chosen.isEmpty || !isFull && !isUser else {
                throw error("-o", .malformed(what: "format", value: "-o", expected: "either -o, or -f or u"))
            }
        }

        private mutating func take(dashed letters: Substring) throws(UsageError) {
            var letters = letters
            while let letter = letters.popFirst() {
                switch letter {
                // All processes of the container are shown anyway, and lines are not cut.
                case "e", "A", "w": continue
                case "f": isFull = true
                case "o": return try takeList(letters, after: "-o")
                default: throw refused("-\(letter)")
                }
            }
        }

        private mutating func take(bare letters: Substring, of argument: String) throws(UsageError) {
            isBSD = true
            var letters = letters
            while let letter = letters.popFirst() {
                switch letter {
                case "a", "x", "w": continue
                case "u": isUser = true
                case "o": return try takeList(letters, after: "o")
                default: throw refused(argument)
                }
            }
        }

        private mutating func takeList(_ attached: Substring, after option: String) throws(UsageError) {
            guard let list = attached.isEmpty ? rest.popFirst() : String(attached) else {
                throw UsageError(command: command, problem: .missingValue(option: option, placeholder: "LIST"))
            }
            do {
                chosen += try ProcessListOptions.columns(list)
            } catch let problem {
                throw error(option, problem)
            }
        }

        private func refused(_ option: String) -> UsageError {
            UsageError(
                command: command,
                problem: .unsupportedOption(Shown.harmless(option), instead: ProcessListOptions.there))
        }

        private func error(_ option: String, _ problem: ValueError) -> UsageError {
            UsageError(command: command, problem: .invalidValue(option: option, problem))
        }
    }
}
