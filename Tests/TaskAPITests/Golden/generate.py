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
    files = [path.name for path in HERE.glob("*.proto")]
    subprocess.run(["protoc", f"-I{HERE}", f"--python_out={out}", *files], check=True)
    sys.path.insert(0, out)
    import metrics_v1_pb2 as v1
    import metrics_v2_pb2 as v2
    import task_pb2 as task


def counted(message):
    """Fills every field of numbers with one of its own, so that none can be taken for another."""
    for number, field in enumerate(message.DESCRIPTOR.fields, start=1):
        if field.message_type is None and field.cpp_type == field.CPPTYPE_UINT64 and not \
                isinstance(field.default_value, list):
            setattr(message, field.name, 1000 * field.number + number)
    return message


METRICS_V2 = v2.Metrics(
    pids=counted(v2.PidsStat()), cpu=counted(v2.CPUStat()), memory=counted(v2.MemoryStat()), rdma=v2.RdmaStat(),
    io=v2.IOStat(usage=[counted(v2.IOEntry()), v2.IOEntry(major=8, rbytes=2**64 - 1)]),
    memory_events=counted(v2.MemoryEvents()))
V1_MEMORY = counted(v1.MemoryStat())
V1_NETWORK = counted(v1.NetworkStat())
V1_NETWORK.name = "eth0"
for part in [V1_MEMORY.usage, V1_MEMORY.swap, V1_MEMORY.kernel, V1_MEMORY.kernel_tcp]:
    counted(part)
METRICS_V1 = v1.Metrics(
    pids=counted(v1.PidsStat()),
    cpu=v1.CPUStat(usage=counted(v1.CPUUsage()), throttling=counted(v1.Throttle())), memory=V1_MEMORY,
    rdma=v1.RdmaStat(), network=[V1_NETWORK, v1.NetworkStat(name="lo")],
    memory_oom_control=counted(v1.MemoryOomControl()),
    blkio=v1.BlkIOStat(
        io_service_bytes_recursive=[v1.BlkIOEntry(op="Read", major=8, minor=1, value=512)],
        io_serviced_recursive=[v1.BlkIOEntry(op="Write", major=254, value=2**64 - 1)]))
MESSAGES = {
    "metricsV2": METRICS_V2,
    "metricsV2Empty": v2.Metrics(pids=v2.PidsStat(), io=v2.IOStat(), rdma=v2.RdmaStat()),
    "metricsV1": METRICS_V1,
    "pause": task.PauseRequest(id="c"),
    "pids": task.PidsResponse(processes=[
        task.ProcessInfo(pid=31),
        task.ProcessInfo(pid=4000000000, info=dict(
            type_url="containerd.runc.v1.ProcessDetails",
            value=task.ProcessDetails(exec_id="probe").SerializeToString()))]),
    "checkpoint": task.CheckpointTaskRequest(id="c", path="/p", options=dict(type_url="t", value=b"\x00")),
    "update": task.UpdateTaskRequest(
        id="c", resources=dict(type_url="types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
                               value=b'{"pids":{"limit":7}}'), annotations={"b": "2", "a": "1"}),
    "stats": task.StatsResponse(stats=dict(type_url="io.containerd.cgroups.v2.Metrics",
                                           value=v2.Metrics(pids=v2.PidsStat(current=1)).SerializeToString())),
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
