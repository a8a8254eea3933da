import Linux
import Pod
import PodDirectory
import Testing

@Suite struct FailedPodsTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let parent = "/tmp/bulkhead-failed-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        defer { try? Files.removeTree(parent) }
        try body(parent + "/failed")
    }

    private func pod(_ id: String, at time: Int64 = 1, name: String = "") -> FailedPod {
        var pod = FailedPod(id: id, at: time, reason: "why")
        pod.members = [.init(id: id + "-member", name: name)]
        return pod
    }

    @Test func theLastFailureOfAPodIsKept() throws {
        try withDirectory { directory in
            let pods = FailedPods(directory: directory)
            #expect(pods.pod("aa") == nil && pods.find("aa").isEmpty)
            pods.sweep()
            try pods.keep(pod("aa"))
            try pods.keep(pod("aa", at: 5))
            #expect(pods.pod("aa") == pod("aa", at: 5))
            #expect(try Files.status(directory).mode == 0o700)
            #expect(try Files.status(directory + "/aa.json").mode == 0o600)
            #expect(try Files.names(in: directory) == ["aa.json"])
        }
    }

    @Test func podsAreFoundByIdsAndNamesTheYoungestFirst() throws {
        try withDirectory { directory in
            let pods = FailedPods(directory: directory)
            for pod in [pod("aa", at: 1, name: "web"), pod("ab", at: 3, name: "web"), pod("b", at: 2)] {
                try pods.keep(pod)
            }
            try Files.write(Array("{".utf8), to: directory + "/torn.json")
            try Files.makeDirectory(directory + "/directory.json")
            #expect(pods.find("web").map(\.id) == ["ab", "aa"])
            #expect(pods.find("a").map(\.id) == ["ab", "aa"])
            #expect(pods.find("b-member").map(\.id) == ["b"])
            #expect(pods.find("x").isEmpty)
        }
    }

    @Test func thereAreNoMoreThanAHundredAndNoneOlderThanADay() throws {
        try withDirectory { directory in
            let pods = FailedPods(directory: directory)
            for number in 0..<FailedPods.maximumCount + 5 { try pods.keep(pod("\(number)")) }
            #expect(try Files.names(in: directory).count == FailedPods.maximumCount)
            #expect(pods.pod("\(FailedPods.maximumCount + 4)") != nil)
            try Files.write([1], to: directory + "/x.json.1.new")
            pods.sweep()
            #expect(try Files.names(in: directory).count == FailedPods.maximumCount + 1)
            pods.sweep(at: WallClock.now + FailedPods.maximumAge + 1_000_000_000)
            #expect(try Files.names(in: directory) == [])
        }
    }
}
