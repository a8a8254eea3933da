/// What /proc says of a process. Pure. Its name is the process's own choice, and may look like the rest of the file.
/// Source: proc_pid_stat(5), proc_pid_status(5).
struct ProcessContent: Equatable {
    /// Bytes of a file that are looked at. Only the list of groups can be longer; what stands behind it is not known then.
    static let fileLimit = 16 << 10
    /// What the kernel counts in here: USER_HZ and pages, on x86-64.
    private static let ticksPerSecond: UInt64 = 100, pageBytes: UInt64 = 4096

    var name = ""
    /// As in `ProcessEntry`.
    var state = ""
    /// In the guest.
    var parent: Int32 = 0
    var terminal: UInt32 = 0
    var cpuMilliseconds: UInt64 = 0
    var nice: Int32 = 0
    var threads: UInt32 = 0
    /// After the boot.
    var startMilliseconds: UInt64 = 0
    var virtualBytes: UInt64 = 0
    var residentBytes: UInt64 = 0

    /// - Parameter bytes: of `/proc/<pid>/stat`. Nil for what is none.
    init?(stat bytes: [UInt8]) {
        let bytes = bytes.prefix(Self.fileLimit)
        // Behind the name there are only numbers and a letter.
        guard let opening = bytes.firstIndex(of: UInt8(ascii: "(")),
            let closing = bytes.lastIndex(of: UInt8(ascii: ")")), opening < closing,
            let pid = Self.words(bytes[..<opening]).first
        else { return nil }
        let fields = Self.words(bytes[(closing + 1)...])
        guard fields.count >= 22, let letter = fields[0].first, fields[0].count == 1, Self.isLetter(letter),
            let parent = Int32(fields[1]), let terminal = Int32(fields[4]), let nice = Int32(fields[16]),
            let threads = UInt32(fields[17])
        else { return nil }
        func number(_ index: Int) -> UInt64 { UInt64(fields[index]) ?? 0 }
        name = String(decoding: bytes[(opening + 1)..<closing], as: UTF8.self)
        state = String(letter)
        if nice != 0 { state += nice < 0 ? "<" : "N" }
        if fields[3] == pid { state += "s" }
        if threads > 1 { state += "l" }
        // Without a terminal there is no group in its foreground: -1, or 0 in one that nobody controls.
        if fields[2] == fields[5], fields[2] != "0" { state += "+" }
        (self.parent, self.nice, self.threads) = (parent, nice, threads)
        self.terminal = UInt32(bitPattern: terminal)
        cpuMilliseconds = Self.milliseconds(number(11).addingSaturated(number(12)))
        startMilliseconds = Self.milliseconds(number(19))
        virtualBytes = number(20)
        residentBytes = number(21).multipliedSaturated(by: Self.pageBytes)
    }

    /// The effective user, and the process's numbers from the reader's pid namespace down to its own.
    struct Identity: Equatable {
        var uid: UInt32 = 0
        var numbers: [UInt32] = []

        /// - Parameter bytes: of `/proc/<pid>/status`, where a line feed in the name is escaped.
        init(status bytes: [UInt8]) {
            for line in bytes.prefix(ProcessContent.fileLimit).split(separator: UInt8(ascii: "\n")) {
                let words = ProcessContent.words(line)
                switch words.first {
                case "Uid:" where words.count > 2: uid = UInt32(words[2]) ?? 0
                case "NSpid:": numbers = words.dropFirst().compactMap { UInt32($0) }
                default: continue
                }
            }
        }

        /// In the namespace that many levels below the reader's; 0 when it is in none such.
        func number(level: Int) -> UInt32 { numbers.indices.contains(level) ? numbers[level] : 0 }
    }

    private static func words(_ bytes: ArraySlice<UInt8>) -> [String] {
        bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\n") }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isLetter(_ character: Character) -> Bool { character.isASCII && character.isLetter }

    private static func milliseconds(_ ticks: UInt64) -> UInt64 { ticks.multipliedSaturated(by: 1000 / ticksPerSecond) }
}

extension UInt64 {
    /// The largest number for what is larger.
    func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The largest number for what is larger.
    func multipliedSaturated(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
