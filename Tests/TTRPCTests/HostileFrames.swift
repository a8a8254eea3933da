import SeededRandom
import Protobuf

@testable import TTRPC

/// Frames of such types and streams, messages mostly broken in a few bytes, lengths sometimes a lie.
func hostileFrames(types: [UInt8], streamIDs: [UInt32], _ generator: inout SeededGenerator) -> [UInt8] {
    let messages = [Wire.fullRequest, Wire.request, Wire.success, Wire.notFound, []]
    var bytes: [UInt8] = []
    for _ in 0..<60 {
        var message = messages[Int.random(in: 0..<messages.count, using: &generator)]
        for _ in 0..<Int.random(in: 0...2, using: &generator) where !message.isEmpty {
            message[Int.random(in: 0..<message.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        let streamID = streamIDs[Int.random(in: 0..<streamIDs.count, using: &generator)]
        let type = types[Int.random(in: 0..<types.count, using: &generator)]
        let flags: UInt8 = Int.random(in: 0..<4, using: &generator) == 0 ? .random(in: 0...7, using: &generator) : 0
        var frame = Wire.frame(streamID, type: type, flags: flags, message)
        if Int.random(in: 0..<40, using: &generator) == 0 {
            frame[Int.random(in: 0..<4, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        bytes += frame
    }
    return bytes
}

/// The status in an encoded response.
func responseStatus(_ message: [UInt8]) throws -> TTRPCStatus {
    try Protobuf.decode(WireResponse.self, from: message).response.status
}
