@testable import Yamux

/// Bytes from hexadecimal digits; spaces are for the reader.
func hex(_ digits: String) -> [UInt8] {
    let nibbles = digits.compactMap(\.hexDigitValue)
    return stride(from: 0, to: nibbles.count, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
}

/// A frame as spec.md draws it, written without the code under test.
func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ length: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
    let words = [stream, length].flatMap { word in [24, 16, 8, 0].map { UInt8(word >> $0 & 0xFF) } }
    return [0, type, 0, flags] + words + payload
}

func data(_ stream: UInt32, _ payload: [UInt8], flags: UInt8 = 0) -> [UInt8] {
    frame(0, flags, stream, UInt32(payload.count), payload)
}

func update(_ stream: UInt32, _ delta: UInt32 = 0, flags: UInt8 = 0) -> [UInt8] { frame(1, flags, stream, delta) }

let syn: UInt8 = 1
let ack: UInt8 = 2
let fin: UInt8 = 4
let rst: UInt8 = 8

extension StreamID: ExpressibleByIntegerLiteral {
    /// Numbers in tests read as they are.
    public init(integerLiteral value: UInt32) { self.init(rawValue: value) }
}

extension YamuxSession {
    /// Everything that waits for the link; `outputCount` is checked on the way.
    mutating func drain() -> [UInt8] {
        var bytes: [UInt8] = []
        let announced = outputCount
        while let next = nextOutput() { bytes += next }
        precondition(bytes.count == announced && outputCount == 0, "outputCount \(announced), got \(bytes.count)")
        return bytes
    }

    mutating func receive(_ bytes: [UInt8]) -> [YamuxEvent] { receive(bytes[...]) }

    /// A session that opened stream 1 and sent the frame for it.
    static func clientWithStream(_ limits: YamuxLimits = YamuxLimits()) throws -> YamuxSession {
        var session = YamuxSession(role: .client, limits: limits)
        _ = try session.open()
        _ = session.drain()
        return session
    }
}

/// Joins neighbouring `.data` of one stream: how payload is cut depends on how bytes arrive, nothing else does.
func joined(_ events: [YamuxEvent]) -> [YamuxEvent] {
    var result: [YamuxEvent] = []
    for event in events {
        if case .data(let id, let more) = event, case .data(id, let before)? = result.last {
            result[result.count - 1] = .data(id, before + more)
        } else {
            result.append(event)
        }
    }
    return result
}
