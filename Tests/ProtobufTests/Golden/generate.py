#!/usr/bin/python3
"""Writes ../GoldenBytes.swift: messages as Python's protobuf serialises them.

Needs Debian's protobuf-compiler and python3-protobuf. Run without arguments after a change here or in golden.proto.
"""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
with tempfile.TemporaryDirectory() as out:
    subprocess.run(["protoc", f"-I{HERE}", f"--python_out={out}", "golden.proto"], check=True)
    sys.path.insert(0, out)
    import golden_pb2 as g

ALL = dict(a_bool=True, an_int32=-2, an_int64=-3_000_000_000, a_uint32=0xffffffff, a_uint64=0xffffffffffffffff,
           a_sint32=-2147483648, a_sint64=-9223372036854775808, a_fixed32=0xdeadbeef, a_fixed64=0x0123456789abcdef,
           a_float=1.5, a_double=-0.1, a_string="h\u00e9llo\U0001f642", a_bytes=bytes([0, 255, 128]), a_color=g.LATE,
           far=7)

MESSAGES = {
    "scalars": g.Scalars(**ALL),
    "scalarsDefault": g.Scalars(),
    "scalarsOdd": g.Scalars(an_int32=-2147483648, an_int64=9223372036854775807, a_sint32=1, a_sint64=-1,
                            a_float=-0.0, a_double=float("inf"), a_color=g.BELOW),
    "optionalsAbsent": g.Optionals(),
    "optionalsDefault": g.Optionals(a_bool=False, an_int32=0, a_double=0, a_string="", a_bytes=b"", a_color=g.NONE,
                                    a_leaf=g.Leaf(), a_sint64=0),
    "optionalsSet": g.Optionals(a_bool=True, an_int32=-1, a_double=2.5, a_string="x", a_bytes=b"yz", a_color=g.GREEN,
                                a_leaf=g.Leaf(name="leaf", size=300), a_sint64=-64),
    "repeated": g.Repeated(numbers=[0, 1, -1, 300], fixed=[1, 0xffffffff], doubles=[0.5, -2.0], flags=[True, False],
                           names=["a", "", "ccc"], blobs=[b"", b"\x00\x01"],
                           leaves=[g.Leaf(), g.Leaf(name="n", size=1)], colors=[g.NONE, g.LATE, g.BELOW],
                           deltas=[0, -1, 1, 2147483647]),
    "repeatedLong": g.Repeated(numbers=range(1000), names=["n" * 200], leaves=[g.Leaf(name="x" * 20000)]),
    "unpacked": g.Unpacked(numbers=[0, 1, -1, 300], fixed=[1, 0xffffffff], colors=[g.NONE, g.LATE, g.BELOW]),
    "maps": g.Maps(labels={"b": "2", "a": "1", "": "", "\u00e9": "e", "ab": "3", "z": "26"},
                   blobs={"k": b"\x01\x02", "empty": b""},
                   leaves={"l": g.Leaf(name="x", size=2), "e": g.Leaf()},
                   numbers={3: 4, -1: 0, 0: 5}, names={18446744073709551615: "max", 0: "zero"},
                   colors={"red": g.RED, "none": g.NONE}, halves={True: 0.5, False: 0.0}),
    "tree": g.Tree(name="root", children=[g.Tree(name="l", children=[g.Tree(name="ll")]), g.Tree(name="r")]),
    "createTask": g.CreateTaskRequest(
        id="pod-1", bundle="/run/containerd/io.containerd.runtime.v2.task/k8s.io/pod-1",
        rootfs=[g.Mount(type="overlay", source="overlay",
                        options=["workdir=/var/lib/containerd/w", "upperdir=/u", "lowerdir=/l1:/l2"]),
                g.Mount(type="bind", source="/s", target="t", options=["ro"])],
        terminal=True, stdin="/run/fifo/in", stdout="/run/fifo/out",
        options=dict(type_url="containerd.runc.v1.Options", value=b"\x52\x04runc")),
    "state": g.StateResponse(id="c", bundle="/b", pid=4321, status=g.STOPPED, exit_status=137,
                             exited_at=dict(seconds=1700000000, nanos=123456789), exec_id="e"),
    "updateTask": g.UpdateTaskRequest(
        id="c", resources=dict(type_url="types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
                               value=b'{"cpu":{"shares":2}}'), annotations={"b": "2", "a": "1"}),
}

with open(HERE.parent / "GoldenBytes.swift", "w", encoding="utf-8") as swift:
    swift.write("// Written by Golden/generate.py, which says how. Not to be edited.\n\n")
    swift.write("/// What Python's protobuf makes of the messages in Golden/generate.py, as hexadecimal digits.\n")
    swift.write("enum GoldenBytes {\n")
    for name, message in MESSAGES.items():
        digits = message.SerializeToString(deterministic=True).hex()
        lines = [digits[at:at + 96] for at in range(0, len(digits), 96)]
        if len(lines) > 60:
            # Too long to check in: a sum over it is enough, since decoding is tested with the rest.
            value = 14695981039346656037
            for byte in message.SerializeToString(deterministic=True):
                value = (value ^ byte) * 1099511628211 % 2**64
            swift.write(f"    /// FNV-1a of {len(digits) // 2} bytes.\n")
            swift.write(f"    static let {name}: UInt64 = 0x{value:016x}\n")
        else:
            text = "".join(f"        {line}\n" for line in lines)
            swift.write(f'    static let {name} = """\n{text}        """\n')
    swift.write("}\n")
