import Testing

@testable import FrontEnd

@Suite struct RootlessTests {
    @Test(arguments: [
        ("         0          0 4294967295\n", nil as String?),
        ("         0       1001          1\n", "none"),
        ("         0       1001          1\n         1     100000      65536\n", "64509-65533"),
        ("0 100000 65536\n", "64509-65533"), ("0 100000 61000\n", "60000-60999"),
        ("0 100000 1000000\n", "998975-999999"), ("", "none"), ("0 1 2 3\nx", "none"),
    ])
    func aNamespaceIsKnownByItsIDs(_ map: String, _ users: String?) {
        let rootless = Rootless(map: map)
        let found = rootless.map { own in
            own.machineUsers.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "none"
        }
        #expect(found == users)
    }
}
