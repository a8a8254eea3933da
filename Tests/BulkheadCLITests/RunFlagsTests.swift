import CommandTree
import ContainerStore
import JSON
import Linux
import OCI
import Pod
import SpecTranslation
import Testing

@testable import BulkheadCLI

/// The flags of `run`, from what is typed to what the record and `inspect` have.
@Suite struct RunFlagsTests {
    static func options(_ flags: [String]) throws -> RunOptions {
        guard case .invoke(let invocation) = try Verbs.tree.parse(["run"] + flags + ["busybox"]) else {
            throw CLIError("no command")
        }
        return try RunOptions(invocation.arguments)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var flags: [String], message: String
        var testDescription: String { flags.joined(separator: " ") }

        init(_ flags: String..., message: String) { (self.flags, self.message) = (flags, message) }
    }

    @Test(arguments: [
        Refusal(
            "--device", "/dev/sda", message: "--device /dev/sda: devices of the host do not reach a virtual machine"),
        Refusal("--device", "/dev/kvm:rw", message: "/dev/fuse, /dev/net/tun"),
        Refusal("--device", "nvidia.com/gpu=all", message: "--device nvidia.com/gpu=all: devices of the host"),
        Refusal("--device", "/dev/fuse:/etc/x", message: "it is below /dev"),
        Refusal("--shm-size", "0", message: "--shm-size: a size above 0 is needed"),
        Refusal("--shm-size", "lots", message: "invalid size \"lots\""),
        Refusal("--shm-size", "1m", "--tmpfs", "/dev/shm", message: "give one of them"),
        Refusal("--shm-size", "1m", "-v", "/tmp:/dev/shm", message: "give one of them"),
        Refusal("--shm-size", "1m", "--pod", "shop", message: "--shm-size with --pod: it is the pod's"),
        Refusal("--pull", "sometimes", message: "it is missing, always or never"),
        Refusal("--stop-timeout", "-2", message: "whole seconds, or -1 for no end"),
        Refusal("--stop-timeout", "1.5", message: "invalid time \"1.5\""),
        Refusal("--oom-score-adj", "1001", message: "from -1000 to 1000"),
        Refusal("--oom-score-adj", "-1001", message: "from -1000 to 1000"),
        Refusal("--oom-score-adj", "much", message: "invalid score \"much\""),
        Refusal("--memory-swap", "1g", message: "--memory-swap 1g: a virtual machine has no swap"),
        Refusal("-m", "1g", "--memory-swap", "2g", message: "so it can only be the same as --memory, or -1"),
        Refusal("-m", "1g", "--memory-swap", "512m", message: "so it can only be the same as --memory, or -1"),
        Refusal("--memory-swap", "-2", message: "invalid size \"-2\""),
        Refusal("--cpuset-cpus", "1-0", message: "rising ranges of numbers"),
        Refusal("--cpuset-cpus", "all", message: "numbers and ranges, such as 0-2,4"),
        Refusal("--log-opt", "mode=non-blocking", message: "log option \"mode\" is not supported yet"),
        Refusal("--log-opt", "max-file=0", message: "from 1 to 32 files"),
        Refusal("--log-driver", "journald", message: "it is json-file, local or none"),
        Refusal(
            "--log-driver", "none", "--log-opt", "max-size=1m", message: "--log-opt max-size with --log-driver none"),
        Refusal("--annotation", "bulkhead.init=true", message: "such as --init: use those"),
    ]) func whatMeansNothingIsToldSo(_ row: Refusal) {
        do {
            _ = try Self.options(row.flags)
            Issue.record("accepted")
        } catch let error as CLIError {
            #expect(error.exitCode == 125 && error.description.contains(row.message), "\(error)")
            #expect(!error.description.contains("\n"))
        } catch {
            #expect(error is UsageError && "\(error)".contains(row.message), "\(error)")
        }
    }

    /// What inspect shows of a container that was asked for so.
    private static func inspected(_ flags: [String]) throws -> (host: JSONValue, record: ContainerRecord) {
        var options = try options(flags)
        options.overrides.arguments = ["sh"]
        let image = ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: []))
        var record = InspectTests.record()
        (record.logFileBytes, record.logFiles) = (10 << 20, 3)
        record.note(options, pod: nil)
        return (HostConfig.json(record, try DefaultSpec(image: image, overrides: options.overrides).spec), record)
    }

    struct Shown: Sendable, CustomTestStringConvertible {
        var flags: [String], key: String, json: String
        var testDescription: String { flags.joined(separator: " ") + " " + key }

        init(_ flags: String..., key: String, json: String) { (self.flags, self.key, self.json) = (flags, key, json) }
    }

    @Test(arguments: [
        Shown("--privileged", key: "Privileged", json: "true"), Shown("--privileged", key: "CapAdd", json: "null"),
        Shown("--privileged", key: "CapDrop", json: "null"), Shown("--privileged", key: "Devices", json: "[]"),
        Shown("--init", key: "Init", json: "true"), Shown("--init=false", key: "Init", json: "null"),
        Shown("--shm-size", "1g", key: "ShmSize", json: "1073741824"),
        Shown("--shm-size", "1g", key: "Tmpfs", json: "{}"),
        Shown("--group-add", "audio", "--group-add=7", key: "GroupAdd", json: #"["audio","7"]"#),
        Shown("--oom-score-adj", "-5", key: "OomScoreAdj", json: "-5"),
        Shown("--cpuset-cpus", "0-1", key: "CpusetCpus", json: #""0-1""#),
        Shown("--memory-swap", "-1", key: "MemorySwap", json: "-1"),
        Shown("--memory-swap", "0", "-m", "1g", key: "MemorySwap", json: "1073741824"),
        Shown("--memory-swap", "1024m", "-m", "1g", key: "MemorySwap", json: "1073741824"),
        Shown("--cidfile", "/tmp/id", key: "ContainerIDFile", json: #""/tmp/id""#),
        Shown("--log-driver", "none", key: "LogConfig", json: #"{"Type":"none","Config":{}}"#),
        Shown(
            "--log-driver", "local", "--log-opt", "max-size=1m,max-file=2", "--log-opt", "max-file=5", key: "LogConfig",
            json: #"{"Type":"local","Config":{"max-file":"5","max-size":"1m"}}"#),
        Shown(
            "--device", "/dev/fuse", "--device=/dev/net/tun:/dev/tun:rw", key: "Devices",
            json: #"[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/fuse","CgroupPermissions":"rwm"},"#
                + #"{"PathOnHost":"/dev/net/tun","PathInContainer":"/dev/tun","CgroupPermissions":"rw"}]"#),
    ]) func aFlagIsShownAsDockerNamesIt(_ row: Shown) throws {
        #expect(try Self.inspected(row.flags).host[row.key]?.serialized == row.json)
    }

    @Test func theRecordKeepsWhatLaterCommandsNeed() throws {
        let plain = try Self.inspected([]).record
        #expect(plain.stopSeconds == nil && plain.stopTime == nil && plain.processors == nil && plain.logDriver == nil)
        #expect(plain.privileged == nil && plain.idFile == nil && plain.logOptions == nil)
        #expect((plain.logFileBytes, plain.logFiles) == (10 << 20, 3))
        let full = try Self.inspected([
            "--stop-timeout", "-1", "--cpuset-cpus", "0", "--log-opt", "max-size=64k", "--privileged",
        ]).record
        #expect(full.stopSeconds == -1 && full.stopTime == .seconds(Int32.max) && full.processors == "0")
        #expect((full.logFileBytes, full.logFiles) == (65536, 3) && full.privileged == true)
        #expect(try Self.inspected(["--log-driver", "none"]).record.logFileBytes == 0)
        #expect(try Self.inspected(["--stop-timeout", "0"]).record.stopTime == .zero)
    }

    /// A pod's monitor takes no zero for a time.
    @Test(arguments: [(nil, 15, 10), (30, 15, 30), (0, 9, 1), (-1, 15, 2_147_483_647)] as [(Int32?, UInt32, UInt32)])
    func aPodsEndGivesAContainerItsTime(_ asked: Int32?, _ signal: UInt32, _ seconds: UInt32) {
        var record = InspectTests.record()
        record.stopSeconds = asked
        let end = record.endWithPod(configured: .seconds(10))
        #expect((end.signal, end.seconds) == (signal, seconds))
    }

    struct Machine: Sendable, CustomTestStringConvertible {
        var list: String?, vCPUs = 1, host = 4, pod: String?, message: String?
        var testDescription: String { "\(list ?? "-") of \(vCPUs)" }
    }

    @Test(arguments: [
        Machine(list: nil), Machine(list: "0"), Machine(list: "0-3", vCPUs: 4), Machine(list: "3,0", vCPUs: 4),
        Machine(
            list: "0-2",
            message:
                "--cpuset-cpus 0-2: the machine of container web has 1 processor, number 0; --cpus 3 gives it more, or "
                + "guest.vcpus of the configuration"),
        Machine(
            list: "2", vCPUs: 2, pod: "shop",
            message: "has 2 processors, 0 to 1; --cpus 3 of \"bulkhead pod create\" gives it more"),
        Machine(list: "4", message: "it can have as many as this host, which are 4"),
    ]) func processorsThatAMachineHasNotAreToldSo(_ row: Machine) {
        var record = InspectTests.record()
        (record.processors, record.pod) = (row.list, row.pod)
        let machine = MachineSize(memoryMiB: 256, vCPUs: row.vCPUs),
            host = MachineSize(memoryMiB: 1024, vCPUs: row.host)
        do {
            try record.checkProcessors(of: machine, host: host)
            #expect(row.message == nil)
        } catch {
            #expect(error.exitCode == 125)
            #expect(row.message.map(error.description.contains) == true, "\(error)")
        }
    }

    @Test func theFileWithTheIdIsMadeOnce() throws {
        let path = "/tmp/bulkhead-cid-\(try Identity.randomBytes(6).map { String($0, radix: 16) }.joined())"
        defer { try? Files.remove(path) }
        let file = try IDFile(making: path)
        #expect(try Files.readText(path) == "")
        try file.write("0123")
        #expect(try Files.readText(path) == "0123")
        let error = #expect(throws: CLIError.self) { _ = try IDFile(making: path) }
        #expect(error?.exitCode == 125 && error?.description.contains("there is one") == true)
        file.remove()
        #expect(!Files.exists(path))
        let missing = #expect(throws: CLIError.self) { _ = try IDFile(making: "/no/such/place") }
        #expect(missing?.description == "--cidfile /no/such/place: No such file or directory")
    }
}
