/// Amounts as docker shows them. Pure; any number is fine.
enum HumanSize {
    /// Powers of 1024 with four digits: `12.35MiB`.
    static func binary(_ bytes: UInt64) -> String {
        text(bytes, base: 1024, digits: 4, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
    }

    /// Powers of 1000 with three digits: `1.24kB`.
    static func decimal(_ bytes: UInt64) -> String {
        text(bytes, base: 1000, digits: 3, units: ["B", "kB", "MB", "GB", "TB", "PB", "EB"])
    }

    private static func text(_ bytes: UInt64, base: UInt64, digits: Int, units: [String]) -> String {
        var scale: UInt64 = 1, unit = 0
        while bytes / scale >= base, unit < units.count - 1 {
            scale *= base
            unit += 1
        }
        let places = max(digits - "\(bytes / scale)".count, 0)
        let factor = (0..<places).reduce(UInt64(1)) { factor, _ in factor * 10 }
        // Below 1024 units of `scale`, so the quotient fits.
        let (quotient, rest) = scale.dividingFullWidth(bytes.multipliedFullWidth(by: factor))
        let half = rest > scale - rest || (rest == scale - rest && quotient % 2 == 1)
        var rounded = quotient + (half ? 1 : 0)
        // 999.9kB is 1MB; docker says 1e+03kB.
        if base == 1000, rounded / factor == base, unit < units.count - 1 { (rounded, unit) = (factor, unit + 1) }
        return decimal(rounded, places: places) + units[unit]
    }

    /// `number` with a point before its last `places` digits, without zeros at the end.
    private static func decimal(_ number: UInt64, places: Int) -> String {
        var (number, places) = (number, places)
        while places > 0, number % 10 == 0 { (number, places) = (number / 10, places - 1) }
        guard places > 0 else { return "\(number)" }
        let digits = "\(number)"
        let padded = String(repeating: "0", count: max(places + 1 - digits.count, 0)) + digits
        return padded.dropLast(places) + "." + padded.suffix(places)
    }
}

/// A part of something in percent. Pure; any number is fine.
enum Percentage {
    /// `number` × `factor` ÷ `whole`, rounded; the largest number for what is larger, and 0 for a part of nothing.
    static func ratio(_ number: UInt64, times factor: UInt64, of whole: UInt64) -> UInt64 {
        guard whole > 0 else { return 0 }
        let product = number.multipliedFullWidth(by: factor)
        guard product.high < whole else { return .max }
        let (quotient, rest) = whole.dividingFullWidth(product)
        return rest >= whole - rest && quotient < .max ? quotient + 1 : quotient
    }

    /// `12.34%`.
    static func text(hundredths: UInt64) -> String {
        let part = hundredths % 100
        return "\(hundredths / 100).\(part < 10 ? "0" : "")\(part)%"
    }
}
