/// Names of containers and namespaces as containerd has them. Source: containerd, identifiers/validate.go.
enum ContainerName {
    static let rule = "letters, digits, dot, underscore and hyphen, 76 at most, and no dot first"

    static func isOne(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || "._-".utf8.contains(byte)
        }
        return isPlain && (1...76).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".")
    }
}
