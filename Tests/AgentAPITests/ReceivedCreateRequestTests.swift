import Protobuf
import Testing

@testable import AgentAPI

/// What the agent reads a container's creation as.
@Suite struct ReceivedCreateRequestTests {
    private static var request: CreateRequest {
        var request = CreateRequest()
        (request.container, request.joining, request.streams.output) = ("web", "pause", 7)
        request.notifyStream = 9
        request.spec.hostname = "web"
        request.spec.maskedPaths = ["/proc/kcore"]
        return request
    }

    @Test func itIsTheRequestThatWasSent() throws {
        let received = try Protobuf.decode(ReceivedCreateRequest.self, from: Protobuf.encode(Self.request))
        #expect((received.container, received.joining) == ("web", "pause"))
        #expect(received.streams == Self.request.streams)
        #expect(received.notifyStream == 9)
        #expect(try received.spec.decoded() == Self.request.spec)
        #expect(received.spec == (try Encoded(Self.request.spec)))
        #expect(try Protobuf.encode(received) == Protobuf.encode(Self.request))
    }

    @Test func whatIsMissingIsItsDefault() throws {
        let received = try Protobuf.decode(ReceivedCreateRequest.self, from: Protobuf.encode(CreateRequest()))
        #expect(try received.spec.decoded() == ContainerSpec())
    }

    /// Only who reads it is told.
    @Test func aSpecThatIsNoneIsPassedOn() throws {
        let bytes = try Protobuf.encode(Self.request)
        let place = try #require(bytes.firstIndex(of: UInt8(ascii: "/")))
        var damaged = bytes
        // The length of the path.
        damaged[place - 1] = 200
        let received = try Protobuf.decode(ReceivedCreateRequest.self, from: damaged)
        #expect(throws: ProtobufError.self) { try received.spec.decoded() }
    }
}
