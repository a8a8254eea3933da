import AgentAPI
import Container
import EventLoop
import GuestLink
import Linux

/// The standard streams of a process that is being made: pipes for the process, streams of the link for the monitor.
@EventLoop final class Streams {
    /// One of the three: the process's end of its pipe, and ours. Without a stream of the link it is /dev/null.
    @EventLoop private final class Channel {
        private static let pipeBytes = 256 * 1024
        let stream: LinkStream?
        private var theirs: OwnedFD?
        private var ours: OwnedFD?

        init(_ stream: LinkStream?, processReads: Bool, piped: Bool) throws(SystemCallError) {
            self.stream = stream
            guard piped, stream != nil else {
                theirs = try Files.open("/dev/null", .readWrite)
                return
            }
            let pipe = try Pipe()
            // Fewer changes between process and agent. The kernel takes the memory when it is filled, from the process's
            // own limit.
            try pipe.setCapacity(Self.pipeBytes)
            if processReads {
                theirs = consume pipe.reading
                ours = consume pipe.writing
            } else {
                theirs = consume pipe.writing
                ours = consume pipe.reading
            }
        }

        /// Valid until `release`.
        var number: Int32 {
            switch theirs {
            case .some(let fd): fd.withRaw { $0 }
            case .none: -1
            }
        }

        func release() { theirs = nil }

        func takeOurs() throws(SystemCallError) -> AsyncFD? {
            guard let fd = ours.take() else { return nil }
            return try AsyncFD(fd)
        }
    }

    private let input: Channel
    private let output: Channel
    private let error: Channel

    private let breaksPipes: Bool
    private let joinsError: Bool

    /// - Parameters:
    ///   - terminal: then there are no pipes, and `output` goes both ways.
    ///   - breaksPipes, joinsError: see `StreamsSpec`.
    init(
        input: LinkStream?, output: LinkStream?, error: LinkStream?, terminal: Bool, breaksPipes: Bool,
        joinsError: Bool
    ) throws(SystemCallError) {
        (self.breaksPipes, self.joinsError) = (breaksPipes, joinsError)
        self.input = try Channel(input, processReads: true, piped: !terminal)
        self.output = try Channel(output, processReads: false, piped: !terminal)
        self.error = try Channel(error, processReads: false, piped: !terminal)
    }

    /// The process's descriptors, lent until `processWasMade`.
    var standard: StandardStreams {
        StandardStreams(
            input: input.number, output: output.number, error: joinsError ? output.number : error.number)
    }

    /// Closes the process's ends here, so that it holds the last ones.
    func processWasMade() {
        for channel in [input, output, error] { channel.release() }
    }

    /// Starts passing bytes on.
    func pump(terminal: AsyncFD?) throws(SystemCallError) -> Pumps {
        if let terminal {
            guard let stream = output.stream else { return Pumps() }
            return Pumps(
                input: InputPump(from: stream, to: terminal, closesAtEnd: false),
                output: OutputPump(from: terminal, to: stream))
        }
        var pumps = Pumps()
        if let stream = input.stream, let sink = try input.takeOurs() {
            pumps.input = InputPump(from: stream, to: sink, closesAtEnd: true)
        }
        pumps.output = try pump(output)
        pumps.error = try pump(error)
        return pumps
    }

    private func pump(_ channel: Channel) throws(SystemCallError) -> OutputPump? {
        guard let stream = channel.stream, let source = try channel.takeOurs() else { return nil }
        return OutputPump(from: source, to: stream, breaksPipe: breaksPipes)
    }
}

/// What passes a process's bytes on; nil where there is no stream.
@EventLoop struct Pumps {
    var input: InputPump?
    var output: OutputPump?
    var error: OutputPump?
}
