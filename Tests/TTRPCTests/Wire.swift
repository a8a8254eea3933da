import SeededRandom

@testable import TTRPC

/// Frames put together by hand, apart from the code under test.
enum Wire {
    static let limit = 4 << 20

    static func header(_ length: Int, _ streamID: UInt32, type: UInt8, flags: UInt8 = 0) -> [UInt8] {
        let length = UInt32(length)
        return [24, 16, 8, 0].map { UInt8(length >> $0 & 0xff) } + [24, 16, 8, 0].map { UInt8(streamID >> $0 & 0xff) }
            + [type, flags]
    }

    static func frame(_ streamID: UInt32, type: UInt8, flags: UInt8 = 0, _ message: [UInt8] = []) -> [UInt8] {
        header(message.count, streamID, type: type, flags: flags) + message
    }

    /// svc/Do with payload 01 02, a second of time and k=v.
    static let fullRequest: [UInt8] = [
        0x0a, 3, 0x73, 0x76, 0x63, 0x12, 2, 0x44, 0x6f, 0x1a, 2, 1, 2, 0x20, 0x80, 0x94, 0xeb, 0xdc, 0x03,
        0x2a, 6, 0x0a, 1, 0x6b, 0x12, 1, 0x76,
    ]
    /// svc/Do and nothing else.
    static let request: [UInt8] = [0x0a, 3, 0x73, 0x76, 0x63, 0x12, 2, 0x44, 0x6f]
    /// Status ok as an empty message, payload 07.
    static let success: [UInt8] = [0x0a, 0, 0x12, 1, 7]
    /// Not found, "no".
    static let notFound: [UInt8] = [0x0a, 6, 0x08, 5, 0x12, 2, 0x6e, 0x6f]
}

extension TTRPCRequest {
    static let full = TTRPCRequest(
        service: "svc", method: "Do", payload: [1, 2], timeout: .seconds(1),
        metadata: [TTRPCMetadata(key: "k", value: "v")])
    static let short = TTRPCRequest(service: "svc", method: "Do")
}

/// `bytes` in pieces of random size.
func pieces(_ bytes: [UInt8], upTo size: Int, _ generator: inout SeededGenerator) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...size, using: &generator))
        pieces.append(Array(piece))
        rest = rest.dropFirst(piece.count)
    }
    return pieces
}
