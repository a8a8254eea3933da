import CommandTree
import Testing

/// Values that only a container's start takes.
@Suite struct RunValueTests {
    struct Device: Sendable, Equatable {
        var device: String, path: String, access: String

        init(_ device: String, _ path: String, _ access: String) {
            (self.device, self.path, self.access) = (device, path, access)
        }
    }

    @Test(arguments: [
        ValueRow("/dev/fuse", Device("/dev/fuse", "/dev/fuse", "rwm")),
        ValueRow("/dev/fuse:r", Device("/dev/fuse", "/dev/fuse", "r")),
        ValueRow("/dev/fuse:/dev/x", Device("/dev/fuse", "/dev/x", "rwm")),
        ValueRow("/dev/fuse:/dev/a/../b//c:mw", Device("/dev/fuse", "/dev/b/c", "mw")),
        ValueRow("//dev/./net/../fuse::rw", Device("/dev/fuse", "/dev/fuse", "rw")),
        ValueRow("/dev/sda", Device("/dev/sda", "/dev/sda", "rwm")),
        ValueRow("/srv/socket", Device("/srv/socket", "/srv/socket", "rwm")),
        ValueRow("vendor.com/class=name", Device("vendor.com/class=name", "vendor.com/class=name", "rwm")),
        ValueRow("", nil), ValueRow(":/dev/x", nil), ValueRow("/dev/fuse:/x", nil), ValueRow("/dev/fuse:/dev", nil),
        ValueRow("/dev/fuse:x", nil), ValueRow("/dev/fuse:/dev/x:rr", nil), ValueRow("/dev/fuse:/dev/x:", nil),
        ValueRow("/dev/fuse:/dev/x:rwx", nil), ValueRow("/dev/fuse:/dev/../etc/passwd", nil),
        ValueRow("/dev/fuse:/dev/x:r:w", nil), ValueRow("/", nil), ValueRow("/dev/a\0b", nil),
    ]) func aDeviceIsRead(_ row: ValueRow<Device>) {
        row.check { text throws(ValueError) in
            let request = try DeviceRequest.parse(text)
            return Device(request.device, request.path, request.access)
        }
    }

    @Test(
        arguments: [
            .init("0", 0), .init("3", 3), .init("0-2,4", 4), .init("4,0-2", 4), .init("0,0", 0), .init("7-7", 7),
            .init("8191", 8191), .init("8192", nil), .init("", nil), .init(",", nil), .init("0,", nil), .init("-", nil),
            .init("-1", nil), .init("1-", nil), .init("2-1", nil), .init("0-1-2", nil), .init("a", nil),
            .init("0 ", nil), .init("99999999999999999999", nil), .init("0-99999999999999999999", nil),
            .init(String(repeating: "0,", count: 3000) + "0", nil),
        ] as [ValueRow<Int>]) func processorsAreRead(_ row: ValueRow<Int>)
    {
        row.check { text throws(ValueError) in
            let list = try ProcessorList.parse(text)
            #expect(list.text == text)
            return list.last
        }
    }

    @Test(
        arguments: [
            .init("0", 0), .init("10", 10), .init("-1", -1), .init("2147483647", 2_147_483_647), .init("-2", nil),
            .init("2147483648", nil), .init("", nil), .init("10s", nil), .init("1.5", nil),
        ] as [ValueRow<Int32>]) func aStopTimeIsRead(_ row: ValueRow<Int32>)
    {
        row.check(StopTime.parse)
    }

    @Test func noEndIsALongTime() {
        #expect(StopTime.duration(-1) == .seconds(Int32.max))
        #expect(StopTime.duration(0) == .zero)
    }

    @Test(
        arguments: [
            .init("max-size=10m", [.fileBytes(10 << 20)]), .init("max-file=3", [.files(3)]),
            .init("max-size=64k,max-file=32", [.fileBytes(65536), .files(32)]),
            .init("max-size=1t", [.fileBytes(1 << 40)]),
            .init("max-size=63k", nil), .init("max-size=2t", nil), .init("max-size=-1", nil), .init("max-size=", nil),
            .init("max-size", nil), .init("max-size=x", nil), .init("max-file=0", nil), .init("max-file=33", nil),
            .init("max-file=1.5", nil), .init("max-file=-1", nil), .init("max-file=", nil), .init("", nil),
            .init(",", nil), .init("max-size=1m,", nil), .init("mode=blocking", nil), .init("compress=true", nil),
            .init("max-buffer-size=4m", nil), .init("tag=x", nil), .init("maxsize=1m", nil), .init("=1", nil),
        ] as [ValueRow<[LogOption.Limit]>]) func logOptionsAreRead(_ row: ValueRow<[LogOption.Limit]>)
    {
        row.check { text throws(ValueError) in try LogOption.parse(text).map(\.limit) }
    }

    @Test(arguments: [
        ("mode=non-blocking", "log option \"mode\" is not supported yet"),
        ("compress", "old files are kept as they are"),
        ("max-sise=1m", "did you mean max-size?"), ("max-size=-1", "would fill the host's disk"),
    ]) func aLogOptionIsRefusedByItsName(_ text: String, _ message: String) {
        let error = #expect(throws: ValueError.self) { _ = try LogOption.parse(text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }
}
