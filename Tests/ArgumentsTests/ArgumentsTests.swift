import Testing

@testable import Arguments

@Suite struct ArgumentsTests {}
