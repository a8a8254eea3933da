/// A unary call: which method with which bytes.
public struct TTRPCRequest: Equatable, Sendable {
    /// The full name with its package, such as `containerd.task.v2.Task`.
    public var service: String
    public var method: String
    /// The encoded message of the method.
    public var payload: [UInt8]
    /// How long the server may take, counted from when it gets the request; nil for no limit. Sent in whole
    /// nanoseconds up to 2^63-1, and never as 0, which would mean no limit. From a peer it may be negative.
    public var timeout: Duration?
    /// Pairs in the order sent; a key may come more than once.
    public var metadata: [TTRPCMetadata]

    /// A call without a limit of time and without metadata, unless given.
    public init(
        service: String, method: String, payload: [UInt8] = [], timeout: Duration? = nil,
        metadata: [TTRPCMetadata] = []
    ) {
        self.service = service
        self.method = method
        self.payload = payload
        self.timeout = timeout
        self.metadata = metadata
    }
}

/// One pair of a request's metadata.
public struct TTRPCMetadata: Codable, Equatable, Sendable {
    public var key: String
    public var value: String

    /// A pair as it is sent.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }

    enum CodingKeys: Int, CodingKey { case key = 1, value = 2 }
}

/// What a server answers to one request.
public struct TTRPCResponse: Equatable, Sendable {
    public var status: TTRPCStatus
    /// The encoded message of the method; without meaning unless `status` is ok.
    public var payload: [UInt8]

    /// Success with the encoded message `payload`.
    public init(payload: [UInt8]) {
        status = .ok
        self.payload = payload
    }

    /// An answer without a message: an error, as a rule.
    public init(status: TTRPCStatus) {
        self.status = status
        payload = []
    }

    /// The payload of a success.
    /// - Throws: the status of anything else.
    public func get() throws(TTRPCStatus) -> [UInt8] {
        guard status.code == .ok else { throw status }
        return payload
    }
}
