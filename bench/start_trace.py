"""The stages of one start, seen from outside: what strace shows of client, monitor, reaper and QEMU."""

import re
import subprocess
import sys

import harness

LINE = re.compile(r"^(\d+) +(\d+\.\d+) (.*)$")
TRANSFER = re.compile(r'^(read|write|recvmsg|sendmsg)\((\d+), "((?:[^"\\]|\\.)*)"')
CALLS = "execve,exit_group,read,write,sendmsg,recvmsg"


def unescape(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def joined(text):
    """(time, process, call): a call that was interrupted by another's line has the time when it returned."""
    begun = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        process, at, call = int(match[1]), float(match[2]), match[3]
        if call.endswith("<unfinished ...>"):
            begun[process] = (at, call[: -len("<unfinished ...>")])
            # What is written and executed has happened when it was called.
            if call.startswith(("write", "execve", "sendmsg", "exit")):
                yield at, process, call
        elif call.startswith("<... "):
            _, start = begun.pop(process, (at, ""))
            if start.startswith("read"):
                yield at, process, start.rstrip() + " " + call.split("resumed>", 1)[1].lstrip()
        else:
            yield at, process, call


class Trace:
    def __init__(self, text):
        self.calls = sorted(joined(text))
        self.begin = self.calls[0][0]
        self.transfers = []
        for at, process, call in self.calls:
            match = TRANSFER.match(call)
            if match:
                self.transfers.append((at, process, match[1], int(match[2]), unescape(match[3])))

    def executed(self, name):
        for at, process, call in self.calls:
            if call.startswith("execve(") and f'["{name}' in call:
                return at, process
        harness.fail(f"the trace has no execve of {name}")

    def first(self, what, process, kind, test, after=0.0):
        for at, who, call, number, data in self.transfers:
            if who == process and call == kind and at >= after and test(number, data):
                return at, number
        harness.fail(f"the trace has no {what}")

    def last(self, process, kind, test):
        return max(
            at for at, who, call, number, data in self.transfers
            if who == process and call == kind and test(number, data))


def frames(data):
    """The messages of ttrpc in what was read from the link at once: (stream, payload)."""
    while len(data) >= 12:
        kind, length = data[1], int.from_bytes(data[8:12], "big")
        body, data = data[12:12 + length] if kind == 0 else b"", data[12 + (length if kind == 0 else 0):]
        if kind == 0 and len(body) >= 10:
            yield int.from_bytes(body[4:8], "big"), body[10:]


def stages(place):
    """[(name, milliseconds since the first execve)] of a start that is made for it."""
    file = place.path / "strace"
    command = ["strace", "-f", "-ttt", "--seccomp-bpf", "-s", "400", "-o", str(file), "-e", f"trace={CALLS}"]
    command += place.command(
        "run", "--rm", "--no-template", "--cap-add", "SYSLOG", "busybox", "sh", "-c", "cat /proc/uptime; dmesg")
    log = subprocess.run(
        command, env=place.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    trace = Trace(file.read_text(encoding="latin-1"))
    file.unlink()
    client = trace.calls[0][1]
    at_monitor, monitor = trace.executed("bulkhead-monitor")
    at_confine, _ = trace.executed("bulkhead-confine")
    at_qemu, _ = trace.executed("qemu-system")
    greeting, _ = trace.first("greeting of QMP", monitor, "read", lambda _, data: b'"QMP"' in data)
    running, _ = trace.first("answer of QMP", monitor, "read", lambda _, data: b'"return"' in data)
    _, link = trace.first("Begin", monitor, "write", lambda _, data: b"bulkhead.agent.v1.Agent" in data)

    def asked(method):
        word = method.encode()
        for at, who, call, number, data in trace.transfers:
            if (who, call, number) != (monitor, "write", link):
                continue
            for stream, body in frames(data):
                if b"Agent\x12" + bytes([len(word)]) + word in body:
                    return at, stream
        # The strings of long messages are cut: the frame is longer than what is shown of it.
        at, _ = trace.first(method, monitor, "write", lambda number, data: number == link and word in data)
        return at, None

    def answered(method):
        at, stream = asked(method)
        for time, who, call, number, data in trace.transfers:
            if (who, call, number) == (monitor, "read", link) and time >= at:
                if any(stream in (None, answer) for answer, _ in frames(data)):
                    return time
        harness.fail(f"the trace has no answer to {method}")

    opened, _ = trace.first("byte of the link", monitor, "read", lambda number, data: number == link and data)
    uptime = re.match(r"(\d+\.\d+) \d+\.\d+\n", log)
    if not uptime:
        harness.fail("the container has not written /proc/uptime")
    told, _ = trace.first(
        "line of /proc/uptime", monitor, "read", lambda number, data: number == link and uptime[0].encode() in data)
    zero = told - float(uptime[1])
    lines = [(float(at), text) for at, text in re.findall(r"^\[ *(\d+\.\d+)\] (.*)", log, re.MULTILINE)]
    init = zero + next(at for at, text in lines if text.startswith("Run /init"))
    modules = zero + next(at for at, text in lines if "v9fs 9p2000" in text)
    start_call, _ = trace.first("Start", client, "write", lambda _, data: b"containerd.task.v2.Task\x12\x05Start" in data)
    exited, _ = trace.first("exit's record", monitor, "write", lambda _, data: b'"phase":"exited"' in data)
    gone = max(at for at, who, call in trace.calls if who == monitor and "si_status=SIGKILL" in call)
    end_monitor = max(at for at, who, call in trace.calls if who == monitor and call.startswith("exit_group"))
    end_client = max(at for at, who, call in trace.calls if who == client)
    points = [
        ("the client has made container's record and monitor", at_monitor),
        ("the monitor has made directory, reaper and the confining step", at_confine),
        ("QEMU executes, confined", at_qemu),
        ("QEMU greets", greeting),
        ("QEMU's machine is built and runs", running),
        ("firmware and first kernel code; the guest's clock begins", zero),
        ("the kernel executes /init", init),
        ("the agent has begun, and its modules are loaded (9p's line)", modules),
        ("the agent has its root, mounts, and the link", opened),
        ("the share is mounted, and the agent answers Begin", answered("Begin")),
        ("the agent has created the container", answered("Create")),
        ("the client has been told and asks for its start", start_call),
        ("the program has been executed", answered("Start")),
        ("the container has ended, and its record says so", exited),
        ("QEMU is gone", gone),
        ("the monitor has cleaned up and ends", end_monitor),
        ("the client ends", end_client),
    ]
    return [(name, (at - trace.begin) * 1000) for name, at in points]
