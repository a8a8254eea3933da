import Protobuf

/// `Request` of containerd/ttrpc, request.proto.
struct WireRequest: Codable {
    var service: String
    var method: String
    var payload: [UInt8]
    var timeoutNanoseconds: Int64
    var metadata: [TTRPCMetadata]

    enum CodingKeys: Int, CodingKey {
        case service = 1, method = 2, payload = 3, timeoutNanoseconds = 4, metadata = 5
    }

    init(_ request: TTRPCRequest) {
        service = request.service
        method = request.method
        payload = request.payload
        timeoutNanoseconds = request.timeout.map(Self.nanoseconds) ?? 0
        metadata = request.metadata
    }

    var request: TTRPCRequest {
        TTRPCRequest(
            service: service, method: method, payload: payload,
            timeout: timeoutNanoseconds == 0 ? nil : .nanoseconds(timeoutNanoseconds), metadata: metadata)
    }

    private static func nanoseconds(_ timeout: Duration) -> Int64 {
        let (seconds, attoseconds) = timeout.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, sumOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !overflow, !sumOverflow else { return seconds < 0 ? .min : .max }
        // 0 means no limit on the wire, the opposite of a time that is up.
        return sum == 0 ? 1 : sum
    }
}

/// `Response` of containerd/ttrpc, request.proto.
struct WireResponse: Codable {
    var status: WireStatus?
    var payload: [UInt8]

    enum CodingKeys: Int, CodingKey { case status = 1, payload = 2 }

    init(_ response: TTRPCResponse) {
        // Sent for a success too: early Go clients take an answer without a status for a failure.
        status = WireStatus(code: response.status.code.rawValue, message: response.status.message)
        payload = response.payload
    }

    var response: TTRPCResponse {
        var response = TTRPCResponse(payload: payload)
        // Go servers leave the status of a success out.
        if let status { response.status = status.status }
        return response
    }
}

/// `google.rpc.Status`, without its details.
struct WireStatus: Codable {
    var code: Int32
    var message: String

    enum CodingKeys: Int, CodingKey { case code = 1, message = 2 }

    var status: TTRPCStatus { TTRPCStatus(TTRPCCode(rawValue: code) ?? .unknown, message) }
}
