/// `count` bytes in which no piece of a power of two is like the next: what shows whether any are lost, or come twice. Made
/// from a block, since a debug build that computes a megabyte byte by byte has everybody on its loop wait.
public func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    // A prime length.
    let block = (0..<4099).map { UInt8(truncatingIfNeeded: ($0 &* 31 >> 3) &+ seed) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + block.count)
    while bytes.count < count { bytes += block }
    bytes.removeLast(bytes.count - count)
    return bytes
}
