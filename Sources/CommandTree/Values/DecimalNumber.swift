/// A number such as `1`, `1.5`, `.5` or `1.`, without sign or exponent, exact to 18 digits behind the point.
struct DecimalNumber: Equatable {
    private static let fractionUnit: UInt64 = 1_000_000_000_000_000_000

    /// Before the point.
    private(set) var whole: UInt64 = 0
    /// Behind the point, in 10^-18.
    private(set) var fraction: UInt64 = 0
    /// Digits behind the point without zeros at the end.
    private(set) var fractionDigits = 0

    /// Why there is no number.
    enum Failure: Error {
        /// No digit; nothing was taken.
        case noDigits
        /// The part before the point is above 2^64 - 1.
        case tooLarge
    }

    /// Takes a number from the start of `bytes`. Digits beyond the 18th behind the point are dropped, but count in
    /// `fractionDigits`.
    init(takenFrom bytes: inout Substring.UTF8View) throws(Failure) {
        let hasPoint = bytes.first == UInt8(ascii: ".")
        guard (hasPoint ? bytes.dropFirst() : bytes).first?.isDigit == true else { throw .noDigits }
        while let digit = Self.takeDigit(&bytes) {
            let (product, isTooLarge) = whole.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeToo) = product.addingReportingOverflow(digit)
            if isTooLarge || isTooLargeToo { throw .tooLarge }
            whole = sum
        }
        guard bytes.first == UInt8(ascii: ".") else { return }
        bytes.removeFirst()
        var position = 0
        var unit = Self.fractionUnit
        while let digit = Self.takeDigit(&bytes) {
            unit /= 10
            fraction += digit * unit
            position += 1
            if digit != 0 { fractionDigits = position }
        }
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

    private static func takeDigit(_ bytes: inout Substring.UTF8View) -> UInt64? {
        guard let byte = bytes.first, byte.isDigit else { return nil }
        bytes.removeFirst()
        return UInt64(byte - UInt8(ascii: "0"))
    }
}
