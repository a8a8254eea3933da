import Testing

@testable import Confinement

@Suite struct ConfinementPlanTests {
    @Test func aPlanReadsBackAsItWas() throws {
        var plan = ConfinementPlan(
            root: "/run/pod \"x\"", uid: 4_000_000_000, parentFD: 6, program: "/usr/bin/q",
            arguments: ["q", "a\n\\b", ""])
        plan.binds = [
            .init("/usr/lib"), .init("/dev/kvm", .device), .init("/s", .share), .init("/w", .writable),
            .init("/a", at: "/b"),
        ]
        plan.links = [.init("usr/lib", at: "/lib")]
        plan.capabilities = 1 << 40 | 1
        plan.environment = ["HOME=/", "A=\"b\nc\""]
        #expect(ConfinementPlan(serialized: plan.serialized) == plan)
    }

    @Test(arguments: ["", "{}", "[]", "x", #"{"root":"/","program":"p","uid":-1,"parent":3,"capabilities":0}"#])
    func whatIsNoPlanIsRefused(_ text: String) {
        #expect(ConfinementPlan(serialized: text) == nil)
    }
}
