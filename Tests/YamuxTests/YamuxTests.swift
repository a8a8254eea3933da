import Testing

@testable import Yamux

@Suite struct YamuxTests {}
