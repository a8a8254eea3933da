import Testing

@testable import GuestImage

@Suite struct GuestImageTests {}
