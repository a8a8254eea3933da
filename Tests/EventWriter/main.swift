import EventLog
import Linux

// A process that writes events, for EventLogTests: DIRECTORY NAME FILE-BYTES PADDING. It writes one for each byte of
// its standard input, numbered from 0, or without end when that is no pipe but /dev/null.
let arguments = CommandLine.arguments
guard arguments.count == 5, let fileBytes = Int64(arguments[3]), let padding = Int(arguments[4]) else {
    CurrentProcess.exit(2)
}
let writer = EventLogWriter(directory: arguments[1], fileBytes: fileBytes)
let input = try CurrentProcess.standardStream(0)
let isBounded = try input.status().kind == .fifo
let filling = String(repeating: "x", count: padding)
var number = 0
while true {
    let count = isBounded ? try input.read(upTo: 64).count : 1
    if count == 0 { CurrentProcess.exit(0) }
    for _ in 0..<count {
        let attributes = ["name": arguments[2], "number": "\(number)", "filling": filling]
        try writer.append(
            Event(time: WallClock.now, kind: .container, action: "create", id: arguments[2], attributes: attributes))
        number += 1
    }
}
