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

    /// What has been executed is held for a while, but not longer than the host has it.
    @EventLoop @Test func aProgramIsTheOneThatTheHostHas() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("held", "tool; while :; do tool; sleep 0.1; done")
            let path = bundle + "/rootfs/bin/tool"
            func place(_ word: String, at path: String) throws {
                try Files.write(Array("#!/bin/sh\necho \(word)\n".utf8), to: path, mode: 0o755)
            }
            try place("one", at: path)
            let engine = try await runtime.create("held", bundle)
            // It was looked up when the container was made, and is another at its start.
            func replace(_ word: String) throws {
                try place(word, at: path + ".new")
                try Files.rename(path + ".new", to: path)
            }
            try replace("two")
            try await runtime("start", "held").expectSuccess()
            #expect(try await engine.line() == "two")
            // By another file, and in place; of one size, and all within a second.
            for word in ["six", "ten"] {
                try await runtime("exec", "held", "tool").expectSuccess()
                try replace(word)
                try await runtime("exec", "held", "tool").expectOutput(word + "\n")
                let changed = String(word.reversed())
                try place(changed, at: path)
                try await runtime("exec", "held", "tool").expectOutput(changed + "\n")
            }
            // Nothing of the old one's pages is executed.
            let program = bundle + "/rootfs/bin/busybox2"
            try Files.write(Files.read("/bin/busybox"), to: program, mode: 0o755)
            try await runtime("exec", "held", "busybox2", "echo", "old").expectOutput("old\n")
            try Files.write(Files.read(Guest.repository + "/build/tests/attributes"), to: program + ".new", mode: 0o755)
            try Files.rename(program + ".new", to: program)
            try await runtime("exec", "held", "busybox2", "/no/such", "user.a").expectError(1, "attributes: ")
            // Without another exec the container sees it a moment later.
            try replace("end")
            try await within(Patience.limit, waitingFor: "what the host has") {
                while try await engine.line() != "end" {}
            }
            try Files.remove(path)
            try await runtime("exec", "held", "tool").expectError(255, "executable file not found in $PATH")
            try await runtime("delete", "-f", "held").expectSuccess()
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

    @EventLoop @Test func anAnnotationKeepsWhatIsWrittenInTheMachine() async throws {
        try await OCIRuntime.with { runtime in
            let script =
                "echo x >/root/file; rm /etc/issue; cat /root/file; head -c 9000000 /dev/zero >/root/large || echo full"
            let bundle = try runtime.bundle("kept", script) { $0.annotations = ["bulkhead.writable": "8m"] }
            try Files.write(Array("text\n".utf8), to: bundle + "/rootfs/etc/issue")
            let result = try await runtime("run", "--bundle", bundle, "kept")
            #expect(result.code == 0 && result.output == "x\nfull\n", "\(result)")
            #expect(try Files.names(in: bundle + "/rootfs/root") == [])
            #expect(Files.exists(bundle + "/rootfs/etc/issue"))
            let wrong = try runtime.bundle("wrong", "true") { $0.annotations = ["bulkhead.writable": "much"] }
            try await runtime("run", "--bundle", wrong, "wrong").expectError(
                1, "annotations.bulkhead.writable is a size, true or false, not much")
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

    /// As Podman has it mounted.
    @EventLoop @Test func aTmpfsHasWhatItCovers() async throws {
        try await OCIRuntime.with { runtime in
            let script = """
                cd /data; cat file below/hard; stat -c '%a %u:%g %Y' file; stat -c '%F %a' . link; readlink link
                echo new >file; cat /plain/file; stat -c %a /plain /made
                """
            let bundle = try runtime.bundle("copied", script) {
                let options = ["rw", "rprivate", "nosuid", "nodev", "size=1m"]
                $0.mounts?.append(OCIRuntime.mount("/link/data", "tmpfs", "tmpfs", options + ["tmpcopyup"]))
                $0.mounts?.append(OCIRuntime.mount("/plain", "tmpfs", "tmpfs", options + ["notmpcopyup"]))
                $0.mounts?.append(OCIRuntime.mount("/made", "tmpfs", "tmpfs", options + ["tmpcopyup"]))
            }
            let root = bundle + "/rootfs"
            for place in ["/data/below", "/plain"] { try Files.makeDirectories(root + place) }
            for (place, mode) in [("/data", UInt32(0o1770)), ("/plain", 0o750)] {
                try Files.changeMode(root + place, mode)
            }
            try Files.symlink("../..", at: root + "/link")
            try Files.write(Array("text\n".utf8), to: root + "/data/file")
            try Files.write(Array("covered\n".utf8), to: root + "/plain/file")
            try Files.link(root + "/data/file", at: root + "/data/below/hard")
            try Files.symlink("../../../../etc/shadow", at: root + "/data/link")
            let file = try Files.open(root + "/data/file")
            try Files.changeOwner(file, uid: 7, gid: 8)
            try Files.changeMode(file, 0o640)
            try Files.setModified(file, FileTime(seconds: 1000, nanoseconds: 0))
            let result = try await runtime("run", "--bundle", bundle, "copied")
            #expect(
                result.output == """
                    text
                    text
                    640 7:8 1000
                    directory 1770
                    symbolic link 777
                    ../../../../etc/shadow
                    750
                    1777

                    """, "\(result)")
            #expect(result.error.contains("/plain/file"), "\(result)")
            #expect(try Files.readText(root + "/data/file") == "text\n")
            try await runtime.expectNothingLeft()
        }
    }

    @EventLoop @Test func whatATmpfsCoversMustFit() async throws {
        try await OCIRuntime.with { runtime in
            let bundle = try runtime.bundle("full", "true") {
                $0.mounts?.append(OCIRuntime.mount("/data", "tmpfs", "tmpfs", ["size=64k", "tmpcopyup"]))
            }
            try Files.makeDirectories(bundle + "/rootfs/data")
            try Files.write([UInt8](repeating: 1, count: 1 << 20), to: bundle + "/rootfs/data/large")
            try await runtime("create", "--bundle", bundle, "full").expectError(
                1,
                "mount /data: what it covers cannot be copied into it (tmpcopyup): ./large: write: No space left on device"
            )
            let other = try runtime.bundle("other", "true") {
                $0.mounts?.append(OCIRuntime.mount("/data", "proc", "proc", ["tmpcopyup"]))
            }
            try await runtime("create", "--bundle", other, "other").expectError(
                1, "tmpcopyup: is only supported for a new tmpfs")
            try await runtime.expectNothingLeft()
        }
    }
}
