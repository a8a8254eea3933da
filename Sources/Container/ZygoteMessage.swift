import Linux

/// What the zygote is asked for, and what it answers; one message each, with descriptors.
enum ZygoteRequest: Equatable {
    /// A copy. Descriptors: its channel, then the cgroup and the process whose namespaces it joins, if there are any.
    case copy(Copy)
    /// Decodes a plan: what that makes the runtime look up, copies need not. The plan is in a descriptor. What is kept of
    /// it are its `KernelMounts`, which copies that are prepared mount in `place`.
    case rehearse(place: String)

    struct Copy: Equatable {
        var newNamespaces: Namespaces = []
        var joinNamespaces: Namespaces = []
        var hasCgroup = false
        /// It does beforehand what every container with namespaces of its own needs, and waits for its plan then.
        var isPrepared = false
    }

    static let limit = 1024
    private static let copyTag: UInt8 = 1, rehearseTag: UInt8 = 2

    var encoded: [UInt8] {
        switch self {
        case .rehearse(let place): return [Self.rehearseTag] + place.utf8
        case .copy(let copy):
            let flags: UInt8 = (copy.hasCgroup ? 1 : 0) | (copy.isPrepared ? 2 : 0)
            return [Self.copyTag, flags] + Bytes.of(copy.newNamespaces.rawValue)
                + Bytes.of(copy.joinNamespaces.rawValue)
        }
    }

    /// Nil when `bytes` are no request.
    init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case Self.rehearseTag where bytes.count <= Self.limit:
            self = .rehearse(place: String(decoding: bytes.dropFirst(), as: UTF8.self))
        case Self.copyTag where bytes.count == 18:
            var copy = Copy()
            (copy.hasCgroup, copy.isPrepared) = (bytes[1] & 1 != 0, bytes[1] & 2 != 0)
            copy.newNamespaces = Namespaces(rawValue: Bytes.number(bytes[2..<10]))
            copy.joinNamespaces = Namespaces(rawValue: Bytes.number(bytes[10..<18]))
            self = .copy(copy)
        default: return nil
        }
    }
}

/// The zygote's answer: the copy's number, whose pidfd comes with it, or why there is none.
enum ZygoteAnswer: Equatable {
    case made(Int32)
    case failed(call: String, code: Int32)

    static let limit = 128

    var encoded: [UInt8] {
        switch self {
        case .made(let pid): return [1] + Bytes.of(UInt64(pid))
        case .failed(let call, let code): return [2] + Bytes.of(UInt64(code)) + call.utf8.prefix(64)
        }
    }

    /// Nil when `bytes` are no answer.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 9, let number = Int32(exactly: Bytes.number(bytes[1..<9]) as UInt64) else { return nil }
        switch bytes[0] {
        case 1 where bytes.count == 9: self = .made(number)
        case 2: self = .failed(call: String(decoding: bytes[9...], as: UTF8.self), code: number)
        default: return nil
        }
    }
}

/// Numbers in messages, the lowest byte first.
enum Bytes {
    static func of<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// Of no more bytes than it has.
    static func number<Number: FixedWidthInteger & UnsignedInteger>(_ bytes: ArraySlice<UInt8>) -> Number {
        bytes.reversed().reduce(0) { $0 << 8 | Number($1) }
    }
}
