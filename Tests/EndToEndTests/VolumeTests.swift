import EventLoop
import Linux
import Support
import Testing

/// What docs/volumes.md says, row by row.
@Suite struct VolumeTests {
    init() { BackgroundLoop.start() }

    /// Prints a line for each operation: its name, and "ok" or the error's.
    private static let probe = #"""
        import ctypes, errno, fcntl, mmap, os, socket, sqlite3, struct
        os.chdir("/volume")
        libc = ctypes.CDLL(None, use_errno=True)

        def attempt(name, operation):
            try:
                result = operation()
                print(name, "ok" if result is None else result)
            except OSError as error:
                print(name, errno.errorcode[error.errno])

        def unlinked(change):
            descriptor = os.open("gone", os.O_CREAT | os.O_RDWR)
            os.unlink("gone")
            os.write(descriptor, b"abc")
            assert os.pread(descriptor, 3, 0) == b"abc"
            change(descriptor)

        def mapped():
            with open("mapped", "wb") as file:
                file.write(bytes(8192))
            with open("mapped", "r+b") as file, mmap.mmap(file.fileno(), 8192) as view:
                view[:5] = b"hello"

        def log():
            with sqlite3.connect("data") as first:
                assert first.execute("pragma journal_mode=wal").fetchone() == ("wal",)
                first.execute("create table t (a)")
                first.execute("insert into t values (1)")
            assert sqlite3.connect("data").execute("select a from t").fetchall() == [(1,)]

        def through_fifo():
            if os.fork() == 0:
                open("fifo", "w").write("x")
                os._exit(0)
            assert open("fifo").read() == "x"

        def exchanged():
            for name in ("one", "two"):
                open(name, "w")
            if libc.syscall(316, -100, b"one", -100, b"two", 2) != 0:
                raise OSError(ctypes.get_errno(), "renameat2")

        def through_socket():
            server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
            server.bind("socket")
            server.listen()
            client.connect("socket")
            client.send(b"x")
            assert server.accept()[0].recv(9) == b"x"

        def special_modes():
            os.mkfifo("moded")
            for name in ("moded", "socket"):
                os.chmod(name, 0o641)
                os.chown(name, 7, 8)
                status = os.stat(name)
                assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o641, 7, 8)
                os.rename(name, name + "-renamed")

        def time():
            os.utime("mapped", ns=(0, 1234567890123456789))
            return os.stat("mapped").st_mtime_ns

        capability = struct.pack("<IIIII", 0x2000001, 1 << 10, 0, 0, 0)
        attempt("mmap", mapped)
        attempt("wal", log)
        attempt("through-fifo", through_fifo)
        attempt("flock", lambda: fcntl.flock(os.open("lock", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB))
        attempt("user-attribute", lambda: os.setxattr("mapped", "user.a", b"1"))
        attempt("unlinked", lambda: unlinked(lambda descriptor: None))
        attempt("fifo", lambda: os.mkfifo("new"))
        attempt("socket", through_socket)
        attempt("special-modes", special_modes)
        attempt("device", lambda: os.mknod("device", 0o20600, os.makedev(1, 3)))
        attempt("tmpfile", lambda: os.close(os.open(".", os.O_TMPFILE | os.O_RDWR)))
        attempt("exchange", exchanged)
        attempt("ftruncate", lambda: unlinked(lambda descriptor: os.ftruncate(descriptor, 1)))
        attempt("fchmod", lambda: unlinked(lambda descriptor: os.fchmod(descriptor, 0o600)))
        attempt("fchown", lambda: unlinked(lambda descriptor: os.fchown(descriptor, 1, 1)))
        attempt("capability", lambda: os.setxattr("mapped", "security.capability", capability))
        attempt("trusted-attribute", lambda: os.setxattr("mapped", "trusted.a", b"1"))
        attempt("time", time)
        """#

    @EventLoop @Test func aVolumeDoesWhatItsPageSays() async throws {
        try await Bulkhead.with { bulkhead in
            let volume = bulkhead.root + "/volume"
            try Files.makeDirectories(volume)
            try Files.write(Array(Self.probe.utf8), to: bulkhead.root + "/probe.py")
            try Files.makeNode(
                "fifo", in: Files.open(volume, [.directory]), kind: .fifo, mode: 0o600, major: 0, minor: 0)
            // The host has that lock; its own do not reach into the machine.
            try Files.write([], to: volume + "/lock")
            let held = try Files.open(volume + "/lock")
            #expect(try Files.lock(held, wait: false))
            let python = ["/usr", "/lib", "/lib64"].flatMap { ["-v", "\($0):\($0):ro"] }
            let result = try await bulkhead.call(
                ["run", "--rm", "-v", volume + ":/volume", "-v", bulkhead.root + "/probe.py:/probe.py:ro"] + python
                    + ["busybox", "/usr/bin/python3", "/probe.py"])
            #expect(
                result.output.split(separator: "\n") == [
                    "mmap ok", "wal ok", "through-fifo ok", "flock ok", "user-attribute ok", "unlinked ok",
                    "fifo ok", "socket ok", "special-modes ok", "device EPERM", "tmpfile ENOTSUP", "exchange EINVAL",
                    "ftruncate ENOENT",
                    "fchmod ENOENT", "fchown ENOENT", "capability ENOTSUP", "trusted-attribute EPERM",
                    "time 1234567890000000000",
                ], "\(result)")
            for (name, kind) in [("moded-renamed", FileStatus.Kind.fifo), ("socket-renamed", .socket)] {
                let status = try Files.status(volume + "/" + name)
                #expect(status.kind == kind && status.mode & 0o7777 == 0o641 && status.uid == 7, "\(name)")
            }
            #expect(try Files.read(volume + "/mapped").starts(with: Array("hello".utf8)))
            withExtendedLifetime(held) {}
        }
    }
}
