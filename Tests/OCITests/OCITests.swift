import Testing

@testable import OCI

@Suite struct OCITests {}
