import Linux

/// Ids of containers and pods, and names for those that nobody has named.
enum RecordID {
    /// 64 hexadecimal digits.
    static func make() throws(SystemCallError) -> String {
        try Identity.randomBytes(32).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }

    /// As tables show it.
    static func short(_ id: String) -> String { String(id.prefix(12)) }

    /// Two words of the sea and four digits of the id.
    static func name(_ id: String) -> String {
        let first = [
            "brisk", "calm", "deep", "distant", "eastern", "foggy", "gentle", "golden", "grey", "high", "icy", "long",
            "lunar", "northern", "open", "quiet", "rolling", "salty", "silver", "southern", "steady", "still", "stormy",
            "tidal", "vast", "western", "white", "wild", "windy", "wintry",
        ]
        let second = [
            "anchor", "bay", "beacon", "buoy", "cape", "cove", "current", "delta", "dock", "fjord", "gull", "gulf",
            "harbor", "hull", "island", "keel", "lagoon", "lantern", "mast", "otter", "pier", "quay", "reef", "rudder",
            "sail", "shoal", "sound", "strait", "tern", "wharf",
        ]
        let number = Int(id.prefix(8), radix: 16) ?? 0
        return "\(first[number % first.count])_\(second[number / first.count % second.count])_\(id.suffix(4))"
    }
}
