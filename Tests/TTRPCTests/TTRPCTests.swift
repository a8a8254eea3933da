import Testing

@testable import TTRPC

@Suite struct TTRPCTests {}
