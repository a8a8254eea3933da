#!/usr/bin/python3
"""Writes the archives beside this file: what GNU tar and Python's tarfile make of entries that GoldenTests expects.

As root, for owners and devices. Run without arguments after a change here.
"""
import io
import os
import pathlib
import subprocess
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LONG = "d" * 60 + "/" + "e" * 60 + "/" + "f" * 120


def gnu(name, *options):
    with tempfile.TemporaryDirectory() as top:
        os.chdir(top)
        os.mkdir("dir", 0o750)
        with open("dir/file", "wb") as file:
            file.write(b"hello\n")
        os.chown("dir/file", 1000, 100)
        os.chmod("dir/file", 0o4711)
        os.link("dir/file", "dir/same")
        os.symlink("file", "dir/link")
        os.symlink("t" * 150, "dir/longlink")
        os.mkfifo("dir/fifo", 0o600)
        os.mknod("dir/null", 0o666 | 0o020000, os.makedev(1, 3))
        os.mknod("dir/disk", 0o660 | 0o060000, os.makedev(259, 70000))
        os.makedirs(os.path.dirname(LONG))
        with open(LONG, "wb") as file:
            file.write(b"x" * 600)
        with open(b"dir/\xff\xfe\n", "wb") as file:
            pass
        if name == "gnu-posix":
            os.setxattr("dir/file", "user.a=b%", b"\0\1\n")
            os.setxattr("dir/file", "user.none", b"")
        names = [b"dir", b"dir/file", b"dir/same", b"dir/link", b"dir/longlink", b"dir/fifo", b"dir/null", b"dir/disk",
                 b"dir/\xff\xfe\n", LONG.encode()]
        if name == "gnu-v7":
            names = names[:4]
        if name == "gnu-ustar":
            names.remove(b"dir/longlink")
            names[-1] = names[-1][:-21]
            os.rename(LONG, LONG[:-21])
        for directory, folders, files in os.walk(b"."):
            for entry in folders + files:
                ns = 1_000_000_000 * 10**9 + (123456789 if name == "gnu-posix" else 0)
                os.utime(os.path.join(directory, entry), ns=(ns, ns), follow_symlinks=False)
        subprocess.run(["tar", "-b1", "-cf", HERE / f"{name}.tar", "--no-recursion", "--numeric-owner", *options, *names],
                       check=True)


def python(name, format, entries, **options):
    with tarfile.open(HERE / f"{name}.tar", "w", format=format, **options) as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    raw = (HERE / f"{name}.tar").read_bytes()
    raw = raw.rstrip(b"\0")  # Its end fills 10 KiB.
    (HERE / f"{name}.tar").write_bytes(raw + bytes(-len(raw) % 512 + 1024))


def info(name, **fields):
    made = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(made, key, value)
    return made


gnu("gnu-v7", "--format=v7")
gnu("gnu-ustar", "--format=ustar")
gnu("gnu-gnu", "--format=gnu")
gnu("gnu-posix", "--format=posix", "--xattrs", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime")
ENTRIES = [
    (info("ünïcode", uid=3_000_000_000, gid=2_097_152, mtime=-5, mode=0o600), b"12345"),
    (info("plain", mtime=10**9), b""),
]
python("python-gnu", tarfile.GNU_FORMAT, ENTRIES)
python("python-pax", tarfile.PAX_FORMAT, [(info("ünïcode", uid=3_000_000_000, gid=2_097_152, mtime=-5.25), b"12345"),
                                          (info("p" * 101, mtime=10**9), b"")],
       pax_headers={"uid": "77", "comment": "for all"})
