import Testing

@testable import Protobuf

@Suite struct ProtobufTests {}
