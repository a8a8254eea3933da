#!/usr/bin/python3
"""Writes ../GoldenBytes.swift: messages as Python's protobuf serialises them.

Needs Debian's protobuf-compiler and python3-protobuf. Run without arguments after a change here or in the .proto files.
"""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
with tempfile.TemporaryDirectory() as out:
    subprocess.run(["protoc", f"-I{HERE}", f"--python_out={out}", "events.proto"], check=True)
    sys.path.insert(0, out)
    import events_pb2 as pb

TIME = dict(seconds=1700000000, nanos=42)
EXIT = pb.TaskExit(container_id="c", id="e", pid=7, exit_status=137, exited_at=TIME)
MESSAGES = {
    "create": pb.TaskCreate(
        container_id="c", bundle="/b", rootfs=[pb.Mount(type="overlay", source="o", options=["lowerdir=/l", "ro"])],
        io=pb.TaskIO(stdin="/i", stdout="/o", stderr="/e", terminal=True), pid=4000000000),
    "start": pb.TaskStart(container_id="c", pid=7),
    "delete": pb.TaskDelete(container_id="c", pid=7, exit_status=3, exited_at=TIME, id="e"),
    "exit": EXIT,
    "oom": pb.TaskOOM(container_id="c"),
    "execAdded": pb.TaskExecAdded(container_id="c", exec_id="e"),
    "execStarted": pb.TaskExecStarted(container_id="c", exec_id="e", pid=7),
    "forward": pb.ForwardRequest(envelope=pb.Envelope(
        timestamp=TIME, namespace="k8s.io", topic="/tasks/exit",
        event=dict(type_url="containerd.events.TaskExit", value=EXIT.SerializeToString()))),
    "options": pb.Options(type_url="t", config_path="/p", config_body=b"\x01"),
    "info": pb.RuntimeInfo(
        name="n", version=pb.RuntimeVersion(version="1"), options=dict(type_url="t", value=b"\x02"),
        annotations={"a": "1"}),
}

with open(HERE.parent / "GoldenBytes.swift", "w", encoding="utf-8") as swift:
    swift.write("// Written by Golden/generate.py, which says how. Not to be edited.\n\n")
    swift.write("/// What Python's protobuf makes of the messages in Golden/generate.py, as hexadecimal digits.\n")
    swift.write("enum GoldenBytes {\n")
    for name, message in MESSAGES.items():
        digits = message.SerializeToString(deterministic=True).hex()
        text = "".join(f"        {digits[at:at + 96]}\n" for at in range(0, len(digits), 96))
        swift.write(f'    static let {name} = """\n{text}        """\n')
    swift.write("}\n")
