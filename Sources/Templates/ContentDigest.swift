import CXXHash

/// XXH3 of 128 bits: finds damage, and tells apart what nobody has made alike on purpose.
public final class ContentDigest {
    private let state: OpaquePointer

    public init() {
        guard let state = XXH3_createState() else { preconditionFailure("no memory") }
        XXH3_128bits_reset(state)
        self.state = state
    }

    deinit { XXH3_freeState(state) }

    public func add(_ bytes: UnsafeRawBufferPointer) {
        XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
    }

    public func add(_ number: Int64) {
        withUnsafeBytes(of: number.littleEndian) { add($0) }
    }

    /// Of all that has been added, in 32 hexadecimal digits.
    public var hex: String {
        let hash = XXH3_128bits_digest(state)
        func digits(_ number: UInt64) -> String {
            let text = String(number, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(hash.high64) + digits(hash.low64)
    }

    public static func hex(of bytes: [UInt8]) -> String {
        let digest = ContentDigest()
        bytes.withUnsafeBytes { digest.add($0) }
        return digest.hex
    }
}
