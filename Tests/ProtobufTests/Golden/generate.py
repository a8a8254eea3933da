#!/usr/bin/python3
# Prints GoldenBytes.swift: messages as Google's implementation writes them. Run it with Debian's python3-protobuf:
#   protoc --python_out=/tmp messages.proto && PYTHONPATH=/tmp ./generate.py >../GoldenBytes.swift
import messages_pb2 as pb

rows = [
    ("empty", pb.All()),
    ("numbers", pb.All(flag=True, small=-1, large=-(2**63), natural=2**32 - 1, huge=2**64 - 1, real=-0.5, single=1.5)),
    ("texts", pb.All(text="grün 🐳", raw=b"\0\xff\x80", words=["", "a"], blobs=[b"", b"x"])),
    ("messages", pb.All(inner=pb.Inner(name="n", size=300), inners=[pb.Inner(), pb.Inner(size=1)])),
    ("lists", pb.All(numbers=[0, -1, 1 << 40], reals=[0.0, 2.25])),
    ("maps", pb.All(labels={"a": "", "b": "2", "": "x"}, named={"k": pb.Inner(name="v")})),
    ("presence", pb.All(maybe=0, color=pb.BLUE, far=7)),
]
print("// Made by Golden/generate.py. Do not edit.")
print("let goldenBytes: [String: String] = [")
for name, message in rows:
    print(f'    "{name}": "{message.SerializeToString(deterministic=True).hex()}",')
print("]")
