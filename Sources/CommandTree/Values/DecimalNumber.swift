/// A number such as `1`, `1.5`, `.5` or `1.`, without sign or exponent, exact to 18 digits behind the point.
struct DecimalNumber: Equatable {
    private static let fractionUnit: UInt64 = 1_000_000_000_000_000_000

    /// Before the point.
    private(set) var whole: UInt64 = 0
    /// Behind the point, in 10^-18.
    private(set) var fraction: UInt64 = 0
    /// Digits behind the point without zeros at the end.
    private(set) var fractionDigits = 0

    /// Takes a number from the start of `bytes`. Nil without a digit, and then nothing is taken; or if the part before
    /// the point is above 2^64 - 1. Digits beyond the 18th behind the point are dropped, but count in `fractionDigits`.
    init?(takenFrom bytes: inout Substring.UTF8View) {
        var digits = 0
        while let digit = Self.digit(bytes.first) {
            let (product, isTooLarge) = whole.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeToo) = product.addingReportingOverflow(digit)
            if isTooLarge || isTooLargeToo { return nil }
            whole = sum
            digits += 1
            bytes.removeFirst()
        }
        if bytes.first == UInt8(ascii: "."), digits > 0 || Self.digit(bytes.dropFirst().first) != nil {
            bytes.removeFirst()
            var position = 0
            var unit = Self.fractionUnit
            while let digit = Self.digit(bytes.first) {
                unit /= 10
                fraction += digit * unit
                position += 1
                if digit != 0 { fractionDigits = position }
                bytes.removeFirst()
            }
            digits += position
        }
        if digits == 0 { return nil }
    }

    /// The number times `unit`, rounded down; nil above 2^64 - 1.
    func scaled(by unit: UInt64) -> UInt64? {
        let (product, isTooLarge) = whole.multipliedReportingOverflow(by: unit)
        if isTooLarge { return nil }
        // The fraction is below 1, so the quotient is below `unit` and fits.
        let part = Self.fractionUnit.dividingFullWidth(fraction.multipliedFullWidth(by: unit)).quotient
        let (sum, isTooLargeToo) = product.addingReportingOverflow(part)
        return isTooLargeToo ? nil : sum
    }

    private static func digit(_ byte: UInt8?) -> UInt64? {
        guard let byte, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        return UInt64(byte - UInt8(ascii: "0"))
    }
}
