/// What somebody may have meant.
enum NearestName {
    /// A longer name is no slip of a known one.
    private static let maximumBytes = 64

    /// The one of `known` that is `name` but for two letters (one in a short name), or that has the same last part; nil
    /// when there is none.
    static func of(_ name: String, among known: [String]) -> String? {
        guard name.utf8.count <= maximumBytes else { return nil }
        let distances = known.map { (name: $0, distance: distance(Array(name.utf8), Array($0.utf8))) }
        if let nearest = distances.min(by: { $0.distance < $1.distance }),
            nearest.distance <= 2, nearest.distance * 3 <= name.utf8.count
        {
            return nearest.name
        }
        let last = name.split(separator: ".").last
        return known.first { $0.split(separator: ".").last == last }
    }

    /// How many letters must be inserted, removed or replaced to make the one from the other.
    static func distance(_ from: [UInt8], _ to: [UInt8]) -> Int {
        var row = Array(0...to.count)
        for (index, letter) in from.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in to.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[to.count]
    }
}
