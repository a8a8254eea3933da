import Testing

@testable import CommandTree

@Suite struct MountValueTests {
    static func bind(_ source: String, _ target: String, _ change: (inout BindRequest) -> Void = { _ in })
        -> MountRequest
    {
        var bind = BindRequest(source: source, target: target)
        change(&bind)
        return .bind(bind)
    }

    static func volume(_ source: String, _ target: String, _ change: (inout BindRequest) -> Void = { _ in })
        -> MountRequest
    {
        bind(source, target) {
            $0.createsSource = true
            change(&$0)
        }
    }

    @Test(
        arguments: [
            .init("/a:/b", volume("/a", "/b")), .init("./a:/b", volume("./a", "/b")),
            .init("..:/b", volume("..", "/b")),
            .init("/a/../c:/b//x/./y/../z/", volume("/a/../c", "/b/x/z")),
            .init("/a:/b:ro", volume("/a", "/b") { $0.isReadOnly = true }), .init("/a:/b:rw", volume("/a", "/b")),
            .init("/a:/b:z", volume("/a", "/b") { $0.relabeling = .shared }),
            .init("/a:/b:cached,default", nil), .init("/a:/b:delegated", volume("/a", "/b")),
            .init(
                "/a:/b:ro,Z,rslave",
                volume("/a", "/b") {
                    $0.isReadOnly = true
                    $0.relabeling = .exclusive
                    $0.propagation = .rslave
                }),
            .init("", nil), .init(":", nil), .init("/a", nil), .init("data:/b", nil), .init("/a:", nil),
            .init(":/b", nil),
            .init("/a:b", nil), .init("/a:/", nil), .init("/a:/..", nil), .init("/a:/b/..", nil), .init("/a:/b:", nil),
            .init("/a:/b:ro:x", nil), .init("/a:/b:ro,rw", nil), .init("/a:/b:ro,", nil), .init("/a:/b:nocopy", nil),
            .init("/a:/b:unknown", nil), .init("/a\0:/b", nil), .init("/a:/b:z,Z", nil),
            .init("/" + String(repeating: "a", count: 4095) + ":/b", nil),
            .init(
                "/" + String(repeating: "a", count: 4094) + ":/b",
                volume("/" + String(repeating: "a", count: 4094), "/b")),
        ] as [ValueRow<MountRequest>]) func volumeOption(_ row: ValueRow<MountRequest>)
    {
        row.check(MountRequest.parse(volume:))
    }

    @Test(
        arguments: [
            .init("type=bind,source=/a,target=/b", bind("/a", "/b")),
            .init("type=BIND,src=./a,dst=/b,consistency=cached", bind("./a", "/b")),
            .init("destination=/b,src=/a,type=bind,ro", bind("/a", "/b") { $0.isReadOnly = true }),
            .init("type=bind,src=/a,dst=/b,readonly=true", bind("/a", "/b") { $0.isReadOnly = true }),
            .init("type=bind,src=/a,dst=/b,readonly,ro=0", bind("/a", "/b")),
            .init("type=bind,src=/x,src=/a,dst=/b", bind("/a", "/b")),
            .init("type=bind,src=/a,dst=/b,bind-propagation=rshared", bind("/a", "/b") { $0.propagation = .rshared }),
            .init("type=bind,src=/a,dst=/b,bind-nonrecursive", bind("/a", "/b") { $0.isRecursive = false }),
            .init("type=bind,src=/a,dst=/b,bind-recursive=disabled", bind("/a", "/b") { $0.isRecursive = false }),
            .init("type=bind,\"src=/a,\"\"b\"\"\",dst=/b", bind("/a,\"b\"", "/b")),
            .init("type=bind,src=/a=b,dst=/b", bind("/a=b", "/b")),
            .init("type=tmpfs,target=/t", .tmpfs(TmpfsRequest(target: "/t"))),
            .init(
                "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=01770,ro",
                .tmpfs(TmpfsRequest(target: "/t", options: ["ro", "size=1048576", "mode=1770"]))),
            .init("type=tmpfs,dst=/t,tmpfs-size=0", .tmpfs(TmpfsRequest(target: "/t"))),
            .init("", nil), .init(",", nil), .init("type=bind", nil), .init("type=bind,src=/a", nil),
            .init("type=bind,dst=/b", nil), .init("type=bind,src=a,dst=/b", nil), .init("type=bind,src=/a,dst=b", nil),
            .init("type=bind,src=/a,dst=/", nil), .init("type=bind,src=/a,dst=/b,", nil),
            .init("type,src=/a,dst=/b", nil),
            .init("type=bind,src=/a,dst=/b,ro=maybe", nil), .init("type=bind,src=/a,dst=/b,ro=", nil),
            .init("type=bind,src=/a,dst=/b,tmpfs-size=1", nil),
            .init("type=bind,src=/a,dst=/b,bind-propagation=x", nil),
            .init("type=bind,src=/a,dst=/b,bind-recursive=readonly", nil), .init("type=bind,src=/a,dst=/b,x=y", nil),
            .init("type=volume,src=data,dst=/b", nil), .init("src=/a,dst=/b", nil),
            .init("type=image,src=a,dst=/b", nil),
            .init("type=,dst=/b", nil), .init("type=bind,src=/a,dst=/b,volume-nocopy", nil),
            .init("type=tmpfs,src=/a,dst=/t", nil), .init("type=tmpfs,dst=/t,bind-nonrecursive", nil),
            .init("type=tmpfs,dst=/t,tmpfs-size=x", nil), .init("type=tmpfs,dst=/t,tmpfs-mode=8", nil),
            .init("type=tmpfs,dst=/t,tmpfs-mode=10000", nil), .init("type=tmpfs,dst=/t,tmpfs-mode=+7", nil),
            .init("type=bind,\"src=/a,dst=/b", nil), .init("type=bind,s\"rc=/a,dst=/b", nil),
        ] as [ValueRow<MountRequest>]) func mountOption(_ row: ValueRow<MountRequest>)
    {
        row.check(MountRequest.parse(mount:))
    }

    @Test(arguments: [
        ("type=volume,dst=/b", "there are no named volumes"), ("dst=/b", "mount type \"volume\" is not supported yet"),
        ("type=bind,traget=/b", "did you mean target?"), ("type=bind,src,dst=/b", "as in src=VALUE"),
        ("type=bind,src=/a", "expected a target"), ("type=bind,dst=/b", "expected a source"),
        ("type=tmpfs,dst=/b,bind-propagation=shared", "expected no bind-propagation with type=tmpfs"),
    ]) func mountErrorsSayWhatToDo(_ text: String, _ message: String) {
        let error = #expect(throws: ValueError.self) { try MountRequest.parse(mount: text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        ("data:/b", "named volume \"data\" is not supported yet"), ("/data", "use --tmpfs /data"),
        ("/a:/b:or", "did you mean ro?"),
    ]) func volumeErrorsSayWhatToDo(_ text: String, _ message: String) {
        let error = #expect(throws: ValueError.self) { try MountRequest.parse(volume: text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
    }

    @Test(
        arguments: [
            ("a", ["a"]), ("a,b", ["a", "b"]), (",", ["", ""]), ("a,", ["a", ""]), ("\"a,b\",c", ["a,b", "c"]),
            ("\"a\"\"b\"", ["a\"b"]), ("\"\"", [""]), ("\"a\nb\"", ["a\nb"]), ("a b , c", ["a b ", " c"]),
            ("", nil), ("\"", nil), ("\"\"\"", nil), ("\"a\"b", nil), ("a\"b", nil), ("a\nb", nil), ("a\r\nb", nil),
            (String(repeating: "a", count: 65_537), nil),
        ] as [(String, [String]?)]) func fields(_ text: String, _ fields: [String]?)
    {
        #expect(CommaSeparatedFields.split(text) == fields)
    }

    @Test(
        arguments: [
            .init("/run", TmpfsRequest(target: "/run")), .init("/run:", TmpfsRequest(target: "/run")),
            .init("/run//x/", TmpfsRequest(target: "/run/x")),
            .init(
                "/run:size=64m,mode=1777,exec,uid=0,gid=4294967295,nr_inodes=10k,rw",
                TmpfsRequest(
                    target: "/run",
                    options: ["size=64m", "mode=1777", "exec", "uid=0", "gid=4294967295", "nr_inodes=10k", "rw"])),
            .init("/run:size=50%", TmpfsRequest(target: "/run", options: ["size=50%"])),
            .init("", nil), .init("run", nil), .init("/", nil), .init(":ro", nil), .init("/run:,", nil),
            .init("/run:ro,", nil), .init("/run:size", nil), .init("/run:size=", nil), .init("/run:size=m", nil),
            .init("/run:size=1t", nil), .init("/run:size=99999999999999999999", nil), .init("/run:mode=8", nil),
            .init("/run:mode=17777", nil), .init("/run:uid=-1", nil), .init("/run:uid=4294967296", nil),
            .init("/run:nr_inodes=5%", nil), .init("/run:ro=1", nil), .init("/run:bind", nil),
            .init("/run:mpol=x", nil),
            .init("/run:source=/etc", nil),
        ] as [ValueRow<TmpfsRequest>]) func tmpfsOption(_ row: ValueRow<TmpfsRequest>)
    { row.check(TmpfsRequest.parse) }
}
