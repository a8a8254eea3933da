import Glibc
import Linux
import Testing

@testable import ContainerLog

/// A disk that is really full: a small tmpfs.
@Suite(.enabled(if: getuid() == 0, "mounting takes root")) struct DiskFullTests {
    private func onSmallDisk(_ body: (String) throws -> Void) throws {
        try inDirectory { path in
            try Mounts.mount("tmpfs", on: path, type: "tmpfs", data: "size=256k,nr_inodes=8")
            defer { try? Mounts.unmount(path, detach: true) }
            try body(path)
        }
    }

    private func fill(_ path: String) throws {
        let file = try Files.open(path + "/ballast", [.writeOnly, .create, .append])
        for size in [4096, 1] {
            while (try? file.writeAll([UInt8](repeating: 0, count: size))) != nil {}
        }
    }

    @Test func linesAreCountedAndToldOf() throws {
        try onSmallDisk { path in
            var writer = try LogWriter(directory: path)
            writer.append("before\n")
            try fill(path)
            // The last page of the log has room for some.
            for number in 0..<200 { writer.append("line \(number)\n") }
            let lost = writer.lostLines
            let kept = printed(try read(path))
            #expect(lost > 0 && lost < 200)
            #expect(kept == "before\n" + (0..<200 - lost).map { "line \($0)\n" }.joined())
            #expect(try text(path).hasSuffix("\n"))

            writer.append("an unfinished")
            #expect(writer.lostLines == lost)
            try Files.remove(path + "/ballast")
            writer.append(" line\nafter\n", at: at(5))
            #expect(writer.lostLines == 0)
            let told = "[bulkhead] \(lost) lines lost: no space left on device"
            #expect(printed(try read(path)) == kept + told + "\nan unfinished line\nafter\n")
            #expect(try text(path).contains("2016-10-06T00:17:14.000000000Z stderr F \(told)\n"))
        }
    }

    @Test func theEndTellsOfThem() throws {
        try onSmallDisk { path in
            var writer = try LogWriter(directory: path)
            try fill(path)
            writer.append(String(repeating: "x\n", count: 300_000))
            #expect(writer.lostLines == 300_000)
            writer.append("end")
            writer.flushPartial(.output, at: at(0))
            #expect(writer.lostLines == 300_001)
            try Files.remove(path + "/ballast")
            writer.flushPartial(.output, at: at(0))
            #expect(writer.lostLines == 0)
            #expect(printed(try read(path)) == "[bulkhead] 300001 lines lost: no space left on device\n")
        }
    }

    /// A batch that fits in part: whole lines of it stay, and a reader never finds half a line.
    @Test(arguments: [1, 50, 333, 5000]) func noLineIsBroken(lineBytes: Int) throws {
        try onSmallDisk { path in
            var writer = try LogWriter(directory: path)
            let line = String(repeating: "x", count: lineBytes) + "\n"
            let count = 600_000 / line.utf8.count
            writer.append(String(repeating: line, count: count))
            let content = try text(path)
            #expect(content.hasSuffix("\n"))
            let entries = try read(path)
            // The notice of the first loss may have fitted in where no line did.
            let told = entries.filter { $0.stream == .error }.compactMap {
                Int(String(decoding: $0.text, as: UTF8.self).split(separator: " ")[1])
            }
            let kept = entries.filter { $0.stream == .output }
            #expect(kept.allSatisfy { $0.printed == Array(line.utf8) })
            #expect(kept.count > 0 && kept.count + told.reduce(writer.lostLines, +) == count)
            var reader = try LogReader(directory: path)
            while try !reader.nextBatch().isEmpty {}
            #expect(reader.skippedLines == 0)
            #expect(content.utf8.count + line.utf8.count + CRIFormat.prefixBytes > 256 << 10)
        }
    }

    /// The rotation frees the oldest file but can make no new one: no inode is left.
    @Test func aRotationWithoutInodesIsRetried() throws {
        try onSmallDisk { path in
            var writer = try LogWriter(directory: path, limits: LogLimits(fileBytes: 64 << 10, files: 3))
            var names: [String] = []
            while let _ = try? Files.open("\(path)/n\(names.count)", [.writeOnly, .create]) {
                names.append("\(path)/n\(names.count)")
            }
            let line = String(repeating: "y", count: 1000) + "\n"
            for _ in 0..<70 { writer.append(line) }
            #expect(writer.lostLines > 0)
            try Files.remove(try #require(names.last))
            writer.append("again\n")
            #expect(writer.lostLines == 0)
            #expect(try text(path).contains("lines lost: no space left on device\n"))
            #expect(try text(path).hasSuffix(" stdout F again\n"))
        }
    }
}
