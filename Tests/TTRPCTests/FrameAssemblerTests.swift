import Testing

@testable import TTRPC

@Suite struct FrameAssemblerTests {
    private static func frames(_ parts: [[UInt8]]) -> [FrameAssembler.Frame] {
        var assembler = FrameAssembler()
        return parts.flatMap { part in
            var rest = part[...]
            var frames: [FrameAssembler.Frame] = []
            while let frame = assembler.next(from: &rest) { frames.append(frame) }
            #expect(rest.isEmpty)
            return frames
        }
    }

    @Test func everySplitInThreeGivesTheSameFrames() {
        let bytes = Wire.frame(1, type: 1, [1, 2, 3]) + Wire.frame(3, type: 2) + Wire.frame(5, type: 9, flags: 7, [4])
        let whole = Self.frames([bytes])
        #expect(whole.count == 3)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let parts = [bytes[..<first], bytes[first..<second], bytes[second...]].map { Array($0) }
                #expect(Self.frames(parts) == whole)
            }
        }
        #expect(Self.frames(bytes.map { [$0] }) == whole)
    }

    @Test func headerIsReadBigEndian() {
        let header = FrameHeader(parsing: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        #expect(header.length == 0x0102_0304)
        #expect(header.streamID == 0x0506_0708)
        #expect(header.kind.rawValue == 9)
        #expect(header.flags.rawValue == 10)
    }

    @Test(arguments: [0, 1]) func limitIsExact(over: Int) {
        let message = [UInt8](repeating: 7, count: Wire.limit + over)
        let frames = Self.frames([Wire.frame(1, type: 1, message) + Wire.frame(3, type: 1)])
        let first = FrameHeader(parsing: Wire.header(message.count, 1, type: 1)[...])
        let last = FrameHeader(parsing: Wire.header(0, 3, type: 1)[...])
        #expect(frames == [over == 0 ? .message(first, message) : .oversized(first), .message(last, [])])
    }

    @Test func buffersNoMoreThanHeaderAndLimit() {
        var assembler = FrameAssembler()
        let chunk = [UInt8](repeating: 0, count: 64 << 10)
        var rest = Wire.header(Wire.limit, 1, type: 1)[...]
        #expect(assembler.next(from: &rest) == nil)
        for _ in 1..<(Wire.limit / chunk.count) {
            rest = chunk[...]
            #expect(assembler.next(from: &rest) == nil)
        }
        #expect(assembler.bufferedByteCount == Wire.limit - chunk.count)
        rest = chunk[...]
        #expect(assembler.next(from: &rest) != nil)
        #expect(assembler.bufferedByteCount == 0)
        rest = Wire.header(Int(UInt32.max), 1, type: 1)[...]
        for _ in 0..<1000 {
            #expect(assembler.next(from: &rest) == nil)
            #expect(assembler.bufferedByteCount == 0)
            rest = chunk[...]
        }
    }
}
