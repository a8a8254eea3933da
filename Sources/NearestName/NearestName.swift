/// What somebody may have meant who typed an unknown name. Time is bounded whatever the name: one that is longer than
/// any name could be is not compared at all.
public enum NearestName {
    /// Bytes; longer names are near to nothing.
    private static let maximumBytes = 40

    /// The candidate with the fewest typing errors, the first of several; nil if none is near.
    public static func find(_ name: String, among candidates: [String]) -> String? {
        guard !name.isEmpty, name.utf8.count <= maximumBytes else { return nil }
        let typed = name.utf8.map(\.lowercased)
        // One slip in four letters, or the answer says more about the tree than about the person.
        let allowed = max(1, typed.count / 4)
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate.utf8.count <= maximumBytes {
            let known = candidate.utf8.map(\.lowercased)
            guard abs(known.count - typed.count) <= allowed else { continue }
            let distance = distance(typed, known)
            // Two short names of which every letter differs have nothing in common.
            if distance <= allowed, distance < max(typed.count, known.count), distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.name ?? candidates.first { typed.count >= 3 && $0.utf8.map(\.lowercased).starts(with: typed) }
    }

    /// Letters to insert, remove, replace or swap with a neighbour (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let isSame = left[row] == right[column]
                var cost = min(current[column] + 1, last[column + 1] + 1, last[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}

extension UInt8 {
    fileprivate var lowercased: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}
