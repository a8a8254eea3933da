import Glibc
import Linux

@testable import Templates

/// A directory of its own for each test, removed afterwards.
func inDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let suffix = try Identity.randomBytes(6).map { String($0, radix: 16) }.joined()
    let path = "/tmp/bulkhead-templates-\(getpid())-\(suffix)"
    try Files.makeDirectory(path)
    defer { try? Files.removeTree(path) }
    return try body(path)
}

/// A store in a directory that it makes itself.
func inStore<R>(_ body: (TemplateStore) throws -> R) throws -> R {
    try inDirectory { path in try body(TemplateStore(directory: path + "/templates")) }
}

func key(_ name: String = "a") -> TemplateKey {
    TemplateKey([TemplateKey.Input("format", "\(TemplateHeader.format)"), TemplateKey.Input("name", name)])
}

/// A machine's memory of 1 MiB: the pages that are given, and zeros.
func memory(pages: [Int: UInt8] = [0: 1, 3: 2, 255: 3]) throws -> OwnedFD {
    let memory = try Files.inMemory(sizeBytes: 1 << 20, name: "memory")
    for (page, byte) in pages { try write([UInt8](repeating: byte, count: 4096), at: Int64(page) * 4096, memory) }
    return memory
}

let stateBytes = Array("the state of devices".utf8)

/// Publishes one, as its builder does.
@discardableResult func publish(
    _ key: TemplateKey = key(), state: [UInt8] = stateBytes, pages: [Int: UInt8] = [0: 1, 3: 2, 255: 3],
    in store: TemplateStore
) throws -> TemplateHeader {
    guard let lock = try store.lockBuild(within: .seconds(60)) else {
        throw SystemCallError("flock", store.directory, code: EBUSY)
    }
    defer { withExtendedLifetime(lock) {} }
    return try store.publish(
        key, machine: (memoryMiB: 1, vCPUs: 2), memory: try memory(pages: pages),
        state: try Files.inMemory(state, name: "state"), createdAt: 1_483_576_558_000_000_000, buildMilliseconds: 777)
}

func write(_ bytes: [UInt8], at offset: Int64, _ file: borrowing OwnedFD) throws(SystemCallError) {
    var failure: SystemCallError?
    bytes.withUnsafeBytes { buffer in
        do throws(SystemCallError) {
            try file.write(buffer, at: offset)
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
}

/// Changes bytes of a file that is there.
func overwrite(_ path: String, at offset: Int64, _ bytes: [UInt8]) throws {
    try write(bytes, at: offset, try Files.open(path, .readWrite))
}

func isThere(_ file: borrowing OwnedFD?) -> Bool {
    switch file {
    case .some: true
    case .none: false
    }
}

/// Where the file has no holes; what lies side by side is one.
func extents(of file: borrowing OwnedFD) throws -> [Range<Int64>] {
    var found: [Range<Int64>] = []
    var offset: Int64 = 0
    while let extent = try file.data(from: offset) {
        if let last = found.last, last.upperBound == extent.lowerBound {
            found[found.count - 1] = last.lowerBound..<extent.upperBound
        } else {
            found.append(extent)
        }
        offset = extent.upperBound
    }
    return found
}
