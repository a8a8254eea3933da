import Linux

/// Lines on standard error, which are for the person. What a guest, an image or a file said in them moves no cursor.
func tell(_ message: String) { tellPlainly("bulkhead: " + message) }

/// As `tell`, for lines in somebody else's words.
func tellPlainly(_ line: String) {
    CurrentProcess.writeError(Array("\(Shown.harmless(line))\n".utf8))
}

/// Text of others on a terminal.
enum Shown {
    /// The text with a question mark for whatever a terminal obeys, line feeds and tabs excepted.
    static func harmless(_ text: String) -> String {
        let obeyed: [Unicode.GeneralCategory] = [.control, .format, .lineSeparator, .paragraphSeparator]
        let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar == "\n" || scalar == "\t" || !obeyed.contains(scalar.properties.generalCategory) ? scalar : "?"
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

/// A line on standard output.
func say(_ line: String) throws {
    try CurrentProcess.standardStream(1).writeAll(Array((line + "\n").utf8))
}
