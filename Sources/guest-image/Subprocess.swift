import Foundation
import GuestImage

/// Runs the tools of the host that this one leaves work to. Blocks until they end.
enum Subprocess {
    /// What `command` prints; its errors go to ours.
    static func output(of command: [String]) throws(BuildError) -> String {
        let pipe = Pipe()
        let process = try start(command, input: .nullDevice, output: pipe)
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        try finish(process, command)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `bytes` unpacked. Goes through a file, so that neither side can wait for the other.
    static func unpack(
        _ bytes: [UInt8], _ compression: Compression, in directory: OutputDirectory
    ) throws(BuildError) -> [UInt8] {
        let packed = directory.temporary("packed")
        // Left behind if this fails, and written over next time.
        defer { unlink(packed) }
        let input: FileHandle
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: packed))
            input = try FileHandle(forReadingFrom: URL(fileURLWithPath: packed))
        } catch {
            throw .file(packed, doing: "write", because: error.localizedDescription)
        }
        let pipe = Pipe()
        let process = try start(compression.decompressor, input: input, output: pipe)
        let unpacked = pipe.fileHandleForReading.readDataToEndOfFile()
        try finish(process, compression.decompressor)
        return Array(unpacked)
    }

    private static func start(
        _ command: [String], input: FileHandle, output: Pipe
    ) throws(BuildError) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = input
        process.standardOutput = output
        do { try process.run() } catch { throw .tool(command[0], because: error.localizedDescription) }
        return process
    }

    private static func finish(_ process: Process, _ command: [String]) throws(BuildError) {
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw .tool(command.joined(separator: " "), because: "ended with \(process.terminationStatus)")
        }
    }
}
