import AgentAPI

/// What a container tells the host's service manager, as far as that is told: pure, of bytes that are hostile.
/// Source: sd_notify(3).
struct NotifyMessage: Equatable {
    /// Bytes of a STATUS.
    static let maximumStatusBytes = 512
    /// How much more time a container can ask for at once: a day.
    static let maximumExtension: UInt64 = 86_400_000_000
    private static let maximumNameBytes = 255
    /// As many as there are errors: MAX_ERRNO in include/linux/err.h.
    private static let maximumError: UInt64 = 4095

    /// In their order on the way out; each is said once.
    private enum Key: String, CaseIterable {
        case ready = "READY", reloading = "RELOADING", stopping = "STOPPING", status = "STATUS", error = "ERRNO"
        case busError = "BUSERROR", watchdog = "WATCHDOG", moreTime = "EXTEND_TIMEOUT_USEC"
    }

    private var values: [String?]

    /// Nil when nothing in it is for the host.
    init?(_ datagram: [UInt8]) {
        guard datagram.count <= NotifySocket.maximumBytes else { return nil }
        values = Array(repeating: nil, count: Key.allCases.count)
        let lines = datagram.split(separator: UInt8(ascii: "\n"))
        for (index, key) in Key.allCases.enumerated() {
            let begin = Array(key.rawValue.utf8) + [UInt8(ascii: "=")]
            for line in lines where values[index] == nil && line.starts(with: begin) {
                values[index] = Self.value(line.dropFirst(begin.count), of: key)
            }
        }
        guard values.contains(where: { $0 != nil }) else { return nil }
    }

    /// What the host is told.
    /// - Parameters:
    ///   - process: of the host, that is the service's main one once the container is ready.
    ///   - microseconds: of the host's monotonic clock, which a reload is dated by: the guest has another one.
    func text(process: UInt32, microseconds: UInt64) -> String {
        var lines: [String] = []
        for (key, value) in zip(Key.allCases, values) {
            guard let value else { continue }
            lines.append("\(key.rawValue)=\(value)")
            if key == .ready { lines.append("MAINPID=\(process)") }
            if key == .reloading { lines.append("MONOTONIC_USEC=\(microseconds)") }
        }
        return lines.joined(separator: "\n")
    }

    /// Nil for one that is none.
    private static func value(_ bytes: ArraySlice<UInt8>, of key: Key) -> String? {
        switch key {
        case .ready, .reloading, .stopping: bytes == [UInt8(ascii: "1")] ? "1" : nil
        case .status: status(bytes)
        case .error: number(bytes, in: 0...maximumError)
        case .busError: name(bytes)
        case .watchdog: ["1", "trigger"].first { bytes.elementsEqual($0.utf8) }
        case .moreTime: number(bytes, in: 1...maximumExtension)
        }
    }

    /// What a terminal or a log can show in one line.
    private static func status(_ bytes: ArraySlice<UInt8>) -> String {
        var result = "", count = 0
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: continue
            default: break
            }
            count += UTF8.width(scalar)
            guard count <= maximumStatusBytes else { break }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    private static func number(_ bytes: ArraySlice<UInt8>, in range: ClosedRange<UInt64>) -> String? {
        // Nothing but digits: a sign would be read, too.
        guard (1...20).contains(bytes.count), bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = UInt64(String(decoding: bytes, as: UTF8.self)), range.contains(number) else { return nil }
        return String(number)
    }

    /// Of an error on the D-Bus: elements of letters, digits and underscores, between dots.
    private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count <= maximumNameBytes else { return nil }
        let elements = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName =
            elements.count > 1
            && elements.allSatisfy { element in
                guard let first = element.first, !(0x30...0x39).contains(first) else { return false }
                return element.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
                }
            }
        return isName ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
