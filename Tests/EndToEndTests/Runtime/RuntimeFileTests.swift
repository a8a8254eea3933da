import EventLoop
import Linux
import OCI
import Support
import Testing

/// Files of containers whose root file system is their engine's: written through, and seen by way of the proxy.
@Suite struct RuntimeFileTests {
    init() { BackgroundLoop.start() }

    @EventLoop @Test func whatIsWrittenIsThere() async throws {
        try await OCIRuntime.with { runtime in
            let script = """
                cd /root; echo text >file; chown 7:8 file; chmod 4750 file; ln file hard; ln -s file soft; mkdir -p a/b
                touch -d @1000 old; echo more >>/etc/issue
                """
            let bundle = try runtime.bundle("written", script)
            try await runtime("run", "--bundle", bundle, "written").expectOutput("")
            let root = bundle + "/rootfs/root"
            #expect(try Files.readText(root + "/file") == "text\n")
            let status = try Files.status(root + "/file")
            #expect((status.uid, status.gid, status.mode & 0o7777) == (7, 8, 0o4750))
            #expect(try Files.status(root + "/hard").inode == status.inode)
            #expect(try Files.readLink(root + "/soft") == "file")
            #expect(Files.isDirectory(root + "/a/b"))
            #expect(try Files.status(root + "/old").modifiedAt == 1_000_000_000_000)
            #expect(try Files.readText(bundle + "/rootfs/etc/issue") == "more\n")
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func bothSidesSeeTheOthers() async throws {
        try await OCIRuntime.with { runtime in
            let volume = runtime.bulkhead.root + "/volume"
            try Files.makeDirectories(volume)
            let bundle = try runtime.bundle("both", "sleep 600") {
                $0.mounts?.append(OCIRuntime.mount("/data", "bind", volume, ["rbind", "rw"]))
                $0.mounts?.append(
                    OCIRuntime.mount("/read", "bind", volume, ["rbind", "ro"]))
            }
            let engine = try await runtime.create("both", bundle)
            try await runtime("start", "both").expectSuccess()
            // As an engine copies into a container that runs.
            try Files.write(Array("from the host".utf8), to: bundle + "/rootfs/tmp/in")
            try await runtime("exec", "both", "cat", "/tmp/in").expectOutput("from the host")
            try await runtime("exec", "both", "sh", "-c", "echo from inside >/tmp/out; echo kept >/data/file")
                .expectSuccess()
            #expect(try Files.readText(bundle + "/rootfs/tmp/out") == "from inside\n")
            #expect(try Files.readText(volume + "/file") == "kept\n")
            try await runtime("exec", "both", "sh", "-c", "echo no >/read/file").expectError(1, "Read-only file system")
            // As Podman does, which looks at a container from the mount namespace of its process.
            let seen = "/proc/\(try runtime.pid("both"))/root"
            #expect(try Files.readText(seen + "/tmp/out") == "from inside\n")
            #expect(try Files.readText(seen + "/data/file") == "kept\n")
            #expect(try Files.names(in: seen + "/proc").filter { Int($0) != nil } == ["1"])
            #expect(!Files.exists(seen + "/usr/bin"))
            try await runtime("delete", "-f", "both").expectSuccess()
            _ = try await engine.end()
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func readOnlyIsReadOnly() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("read", "echo x >/file || echo refused; echo y >/tmp/file && cat /tmp/file")
            {
                $0.root?.readonly = true
                $0.mounts?.append(OCIRuntime.mount("/tmp", "tmpfs", "tmpfs", ["size=64k"]))
            }
            let result = try await runtime("run", "--bundle", bundle, "read")
            #expect(result.code == 0 && result.output == "refused\ny\n", "\(result)")
            #expect(!Files.exists(bundle + "/rootfs/file"))
            try await runtime.expectNothingLeft()
        }
    }

    /// As runc does, before the root is read-only.
    @EventLoop @Test func mountsOfAReadOnlyRootNeedNoPlaceInIt() async throws {
        try await OCIRuntime.with { runtime in
            let outside = runtime.bulkhead.root + "/outside"
            try Files.makeDirectories(outside)
            try Files.write(Array("text\n".utf8), to: outside + "/file")
            let bundle = try runtime.bundle(
                "places", "pwd; cat /new/deep/file; echo x >/scratch/below/y && ls /scratch"
            ) {
                $0.root?.readonly = true
                $0.process?.cwd = "/work/here"
                $0.mounts? += [
                    OCIRuntime.mount("/new/deep/file", "bind", outside + "/file", ["rbind"]),
                    OCIRuntime.mount("/scratch", "tmpfs", "tmpfs", []),
                    OCIRuntime.mount("/scratch/below", "tmpfs", "tmpfs", []),
                    OCIRuntime.mount("/link/inside", "tmpfs", "tmpfs", []),
                ]
            }
            try Files.symlink(outside, at: bundle + "/rootfs/link")
            let result = try await runtime("run", "--bundle", bundle, "places")
            #expect(result.code == 0 && result.output == "/work/here\ntext\nbelow\n", "\(result)")
            #expect(try Files.names(in: outside) == ["file"])
            #expect(Files.isDirectory(bundle + "/rootfs" + outside + "/inside"))
            #expect(!Files.exists(bundle + "/rootfs/scratch/below"))
            try await runtime.expectNothingLeft()
        }
    }

    /// Podman and CRI bind a tmpfs of theirs at /dev/shm.
    @EventLoop @Test func sharedMemoryOfAnEngineIsTheMachines() async throws {
        try await OCIRuntime.with { runtime in
            let shared = runtime.bulkhead.root + "/shm"
            try Files.makeDirectories(shared)
            try Mounts.mount("shm", on: shared, type: "tmpfs", data: "size=1m,mode=1777")
            defer { try? Mounts.unmount(shared, detach: true) }
            let script =
                "grep ' /dev/shm ' /proc/mounts; stat -f -c '%T %b %s' /dev/shm; echo x >/dev/shm/file; sleep 600"
            let bundle = try runtime.bundle("shared", script) {
                $0.mounts?.removeAll { $0.destination == "/dev/shm" }
                $0.mounts?.append(OCIRuntime.mount("/dev/shm", "bind", shared, ["bind", "noexec", "nosuid", "nodev"]))
            }
            let engine = try await runtime.create("shared", bundle)
            try await runtime("start", "shared").expectSuccess()
            let mount = try await engine.line()
            #expect(mount.hasPrefix("shm /dev/shm tmpfs rw,nosuid,nodev,noexec"), "\(mount)")
            #expect(try await engine.line() == "tmpfs 256 4096")
            try await runtime("exec", "shared", "cat", "/dev/shm/file").expectOutput("x\n")
            #expect(try Files.names(in: shared) == [])
            try await runtime("delete", "-f", "shared").expectSuccess()
            _ = try await engine.end()
            try Mounts.unmount(shared)
            try await runtime.expectNothingLeft()
        }
    }

    /// Places in a root file system are its owner's, and hostile.
    @EventLoop @Test func linksInTheRootLeadNowhereElse() async throws {
        try await OCIRuntime.with { runtime in
            let volume = runtime.bulkhead.root + "/volume", outside = runtime.bulkhead.root + "/outside"
            for directory in [volume, outside] { try Files.makeDirectories(directory) }
            try Files.write(Array("kept\n".utf8), to: volume + "/file")
            let bundle = try runtime.bundle("links", "cat /link/file; sleep 600") {
                $0.mounts?.append(OCIRuntime.mount("/link", "bind", volume, ["rbind"]))
            }
            try Files.makeDirectories(bundle + "/rootfs" + outside)
            try Files.symlink(outside, at: bundle + "/rootfs/link")
            let engine = try await runtime.create("links", bundle)
            try await runtime("start", "links").expectSuccess()
            #expect(try await engine.line() == "kept")
            #expect(try Files.names(in: outside) == [])
            try await runtime("delete", "-f", "links").expectSuccess()
            _ = try await engine.end()
            try await runtime.expectNothingLeft()
        }
    }
}
