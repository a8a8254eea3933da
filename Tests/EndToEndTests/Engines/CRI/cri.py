#!/usr/bin/python3
"""Drives a container runtime interface: calls over gRPC, streams over SPDY/3.1.

  cri.py SOCKET call METHOD                 request as JSON on stdin, response as JSON
  cri.py SOCKET exec CONTAINER -- CMD...    runs CMD in the container
  cri.py SOCKET attach CONTAINER            joins the container's main process
  cri.py SOCKET forward SANDBOX PORT        stdin and stdout to a port in the sandbox

Exit status: 0, or the command's own with exec; 2 gRPC error, 3 error that the
streaming server reports, 4 connection lost or out of time, 64 wrong usage.
"""

import argparse
import ctypes
import hashlib
import importlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zlib

GRPC_ERROR, REPORTED, LOST, USAGE = 2, 3, 4, 64

HERE = os.path.dirname(os.path.realpath(__file__))

CLONE_NEWNET = 0x40000000

SPDY_VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FLAG_FIN = 1
REFUSED_STREAM = 3
SETTING_INITIAL_WINDOW = 7
WINDOW = 64 * 1024
CHUNK = 32 * 1024
MAX_QUEUED = 256 * 1024
MAX_HEAD = 64 * 1024
# How long a peer may leave a used window as it is before it is taken for one
# without flow control, as the Go server of containerd is.
GRACE = 0.25

# The header compression dictionary of SPDY/3: words with their lengths, then text.
DICTIONARY_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow"
    " authorization cache-control connection content-base content-encoding content-language content-length"
    " content-location content-md5 content-range content-type date etag expect expires from host if-match"
    " if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma"
    " proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade"
    " user-agent vary via warning www-authenticate method get status"
).split() + ["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"]
DICTIONARY_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


class Failure(Exception):
    """Ends the program with this text on stderr and this exit status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def text_with_length(text):
    """A 32-bit length and the text: how SPDY/3 writes names, values and its dictionary."""
    raw = text.encode()
    return struct.pack(">I", len(raw)) + raw


DICTIONARY = b"".join(map(text_with_length, DICTIONARY_WORDS)) + DICTIONARY_TEXT.encode()


# Generated messages and calls


def protoc(directory):
    """Writes runtime_pb2.py into the directory."""
    command = ["protoc", "-I", HERE, "--python_out", directory, os.path.join(HERE, "runtime.proto")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    if done.returncode:
        raise Failure(USAGE, "protoc: " + done.stderr.decode(errors="replace").strip())


def shared_directory(base):
    """A directory for this very runtime.proto, made whole and then renamed.

    Several runs may make it at once: one rename wins and the others use its result.
    """
    with open(os.path.join(HERE, "runtime.proto"), "rb") as source:
        final = os.path.join(base, hashlib.sha256(source.read()).hexdigest()[:16])
    if os.path.isdir(final):
        return final
    os.makedirs(base, exist_ok=True)
    fresh = tempfile.mkdtemp(prefix=".new-", dir=base)
    try:
        protoc(fresh)
        os.rename(fresh, final)
    except OSError:
        if not os.path.isdir(final):
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return final


def load_messages(base):
    """The module of the generated messages, kept below base or made for this run only."""
    if base:
        return import_from(shared_directory(os.path.abspath(base)))
    with tempfile.TemporaryDirectory(prefix="cri-") as directory:
        protoc(directory)
        return import_from(directory)


def import_from(directory):
    sys.path.insert(0, directory)
    try:
        return importlib.import_module("runtime_pb2")
    finally:
        sys.path.remove(directory)


def call(options, method, request):
    """Calls a method of RuntimeService with a dictionary or JSON text and returns its message."""
    messages = load_messages(options.generated)
    import grpc  # late, because no thread may exist yet when protoc is started
    from google.protobuf import json_format

    known = messages.DESCRIPTOR.services_by_name["RuntimeService"].methods_by_name
    if method not in known:
        raise Failure(USAGE, "no method %s; there are: %s" % (method, " ".join(known)))
    message = getattr(messages, known[method].input_type.name)()
    try:
        if isinstance(request, dict):
            json_format.ParseDict(request, message)
        else:
            json_format.Parse(request, message)
    except json_format.ParseError as error:
        raise Failure(USAGE, "request: %s" % error)
    try:
        return unary(grpc, options, method, message, getattr(messages, known[method].output_type.name))
    except grpc.RpcError as error:
        raise Failure(GRPC_ERROR, "%s: %s" % (error.code().name, error.details()))


def unary(grpc, options, method, message, answer):
    """One call on a channel of its own. Answers may be of any size."""
    settings = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel("unix://" + os.path.abspath(options.socket), settings) as channel:
        stub = channel.unary_unary(
            "/runtime.v1.RuntimeService/" + method,
            request_serializer=type(message).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return stub(message, timeout=options.timeout)


def call_verb(options):
    """Request from stdin, response to stdout as one line."""
    text = sys.stdin.buffer.read().decode().strip() or "{}"
    answer = call(options, options.target, text)
    from google.protobuf import json_format

    print(json_format.MessageToJson(
        answer, including_default_value_fields=True, preserving_proto_field_name=True, indent=None))
    return 0


# SPDY


def control_frame(kind, payload, flags=0):
    return struct.pack(">HHI", 0x8000 | SPDY_VERSION, kind, flags << 24 | len(payload)) + payload


def data_frame(stream_id, data, fin):
    return struct.pack(">II", stream_id, (FLAG_FIN << 24 if fin else 0) | len(data)) + data


def header_block(headers):
    pairs = (text_with_length(name) + text_with_length(value) for name, value in headers.items())
    return struct.pack(">I", len(headers)) + b"".join(pairs)


class Stream:
    """One stream: where its data goes, which sides are open, what may be sent."""

    def __init__(self, stream_id, sink, window):
        self.id = stream_id
        self.sink = sink
        self.window = window
        self.replied = False
        self.local_done = False
        self.remote_done = False
        self.unacknowledged = 0
        self.was_reset = False

    def reset(self):
        self.local_done = self.remote_done = self.was_reset = True


class Session:
    """A SPDY connection in the client's role, driven by one select loop."""

    def __init__(self, connection, received):
        self.socket = connection
        self.incoming = bytearray(received)
        self.outgoing = bytearray()
        self.compressor = zlib.compressobj(9, zlib.DEFLATED, 15, 8, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
        self.decompressor = zlib.decompressobj(zdict=DICTIONARY)
        self.streams = {}
        self.next_id = 1
        self.window = self.initial_window = WINDOW
        self.unacknowledged = 0
        self.flow_control = None  # of the peer; None is not known yet
        self.stalled_since = None
        self.closed = self.going_away = False
        connection.setblocking(False)

    def open(self, headers, sink):
        """Opens a stream and waits for the reply, since data before it would be dropped."""
        if self.going_away:
            raise Failure(LOST, "the server is going away")
        stream = Stream(self.next_id, sink, self.initial_window)
        self.next_id += 2
        self.streams[stream.id] = stream
        block = self.compressor.compress(header_block(headers)) + self.compressor.flush(zlib.Z_SYNC_FLUSH)
        self.outgoing += control_frame(SYN_STREAM, struct.pack(">IIH", stream.id, 0, 0) + block)
        self.run(lambda: stream.replied or stream.remote_done)
        if not stream.replied:
            raise Failure(LOST, "no stream for %s" % headers["streamtype"])
        return stream

    def send(self, stream, data, fin=False):
        self.outgoing += data_frame(stream.id, data, fin)
        self.window -= len(data)
        stream.window -= len(data)
        stream.local_done = stream.local_done or fin

    def allowance(self, stream):
        """How much may be sent now: what the windows leave, unless the peer has no flow control."""
        if stream.local_done or len(self.outgoing) >= MAX_QUEUED:
            return 0
        left = min(self.window, stream.window, CHUNK)
        if left > 0 or self.flow_control:
            return max(left, 0)
        self.stalled_since = self.stalled_since or time.monotonic()
        if time.monotonic() - self.stalled_since >= GRACE:
            self.flow_control = False
        return 0 if self.flow_control is None else CHUNK

    def run(self, finished, source=None):
        """Moves frames, and stdin into the source stream, until finished or the connection ends."""
        self.take_frames()
        while not (finished() or self.closed):
            room = self.allowance(source) if source else 0
            wanted = [self.socket] + ([0] if room else [])
            pause = GRACE if self.flow_control is None else 5
            readable, writable, _ = select.select(wanted, [self.socket] if self.outgoing else [], [], pause)
            if self.flow_control or (self.flow_control is None and not readable):
                self.give_back()
            if writable:
                self.write()
            if 0 in readable:
                data = os.read(0, room)
                self.send(source, data, fin=not data)
            if self.socket in readable:
                self.read()

    def write(self):
        try:
            del self.outgoing[:self.socket.send(self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self.outgoing.clear()  # what was received before the end is still to be read

    def read(self):
        try:
            data = self.socket.recv(64 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.closed = not data
        self.incoming += data
        self.take_frames()

    def take_frames(self):
        """Handles all frames that have come as a whole."""
        while len(self.incoming) >= 8:
            first, second = struct.unpack_from(">II", self.incoming)
            end = 8 + (second & 0xffffff)
            if len(self.incoming) < end:
                return
            payload = bytes(self.incoming[8:end])
            del self.incoming[:end]
            if first & 0x80000000:
                self.control(first & 0xffff, second >> 24, payload)
            else:
                self.data(first, second >> 24, payload)

    def data(self, stream_id, flags, payload):
        stream = self.streams.get(stream_id)
        self.unacknowledged += len(payload)
        if self.unacknowledged > WINDOW and self.flow_control is None:
            self.flow_control = False
        if stream:
            if payload:
                stream.sink(payload)
            stream.unacknowledged += len(payload)
            self.finish(stream, flags)

    def give_back(self):
        """Gives back windows of which half is used.

        Not to a peer that may have no flow control as long as it sends: it can
        close with our frame unread, and the reset that follows destroys data
        which is still on its way to us.
        """
        for stream_id, counter in [(0, self), *self.streams.items()]:
            if counter.unacknowledged >= WINDOW // 2:
                self.outgoing += control_frame(WINDOW_UPDATE, struct.pack(">II", stream_id, counter.unacknowledged))
                counter.unacknowledged = 0

    def finish(self, stream, flags):
        if flags & FLAG_FIN:
            stream.remote_done = True

    def control(self, kind, flags, payload):
        handler = {
            SYN_STREAM: self.on_stream, SYN_REPLY: self.on_headers, HEADERS: self.on_headers,
            RST_STREAM: self.on_reset, SETTINGS: self.on_settings, PING: self.on_ping,
            GOAWAY: self.on_goaway, WINDOW_UPDATE: self.on_window,
        }.get(kind)
        if handler:
            try:
                handler(kind, flags, payload)
            except (struct.error, zlib.error) as error:
                raise Failure(LOST, "broken SPDY frame of type %d: %s" % (kind, error))

    def on_stream(self, kind, flags, payload):
        """The server has no reason to open streams. The headers are read to keep the inflater in step."""
        self.decompressor.decompress(payload[10:])
        self.outgoing += control_frame(RST_STREAM, payload[:4] + struct.pack(">I", REFUSED_STREAM))

    def on_headers(self, kind, flags, payload):
        self.decompressor.decompress(payload[4:])
        stream = self.streams.get(struct.unpack_from(">I", payload)[0])
        if stream:
            stream.replied = stream.replied or kind == SYN_REPLY
            self.finish(stream, flags)

    def on_reset(self, kind, flags, payload):
        stream = self.streams.get(struct.unpack_from(">I", payload)[0])
        if stream:
            stream.reset()

    def on_settings(self, kind, flags, payload):
        """Only the initial window matters; it changes the streams that are open, too."""
        for index in range(struct.unpack_from(">I", payload)[0]):
            name, value = struct.unpack_from(">II", payload, 4 + 8 * index)
            if name & 0xffffff == SETTING_INITIAL_WINDOW:
                for stream in self.streams.values():
                    stream.window += value - self.initial_window
                self.initial_window = value

    def on_ping(self, kind, flags, payload):
        """Pings with an even number are the server's, and go back as they are."""
        if struct.unpack(">I", payload)[0] % 2 == 0:
            self.outgoing += control_frame(PING, payload)

    def on_goaway(self, kind, flags, payload):
        self.going_away = True

    def on_window(self, kind, flags, payload):
        stream_id, delta = struct.unpack(">II", payload)
        counter = self if stream_id == 0 else self.streams.get(stream_id)
        if counter:
            counter.window += delta & 0x7fffffff
            self.flow_control = True


# The streaming server


def enter_netns(path):
    """Moves this thread into a network namespace, so that its sockets are made there."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        with open(path) as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    except OSError as error:
        raise Failure(USAGE, "network namespace %s: %s" % (path, error.strerror))


def upgrade(options, url, protocol):
    """Connects to the URL that a call answered with and turns the connection into a SPDY session."""
    if options.netns:
        enter_netns(options.netns)
    parts = urllib.parse.urlsplit(url)
    path = parts.path + ("?" + parts.query if parts.query else "")
    lines = ["POST %s HTTP/1.1" % path, "Host: " + parts.netloc, "Connection: Upgrade", "Upgrade: SPDY/3.1",
             "X-Stream-Protocol-Version: " + protocol, "Content-Length: 0", "", ""]
    connection = socket.create_connection((parts.hostname, parts.port or 80), timeout=options.timeout)
    connection.sendall("\r\n".join(lines).encode())
    head, received = read_head(connection)
    if head.split()[1:2] != ["101"]:
        raise Failure(LOST, "no upgrade: %s %s" % (head.split("\r\n")[0], received.decode(errors="replace").strip()))
    if ("\r\nx-stream-protocol-version: " + protocol.lower()) not in head.lower():
        raise Failure(LOST, "the server does not speak " + protocol)
    return Session(connection, received)


def read_head(connection):
    """The head of the HTTP answer, and what came after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(4096)
        received += data
        if not data or len(received) > MAX_HEAD:
            raise Failure(LOST, "no HTTP answer: " + received[:200].decode(errors="replace"))
    head, rest = received.split(b"\r\n\r\n", 1)
    return head.decode(errors="replace"), rest


def write_to(descriptor):
    """A sink that writes everything before it returns, which holds the server back meanwhile."""
    def sink(data):
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left):]
    return sink


def ignore(data):
    pass


def all_ended(*streams):
    return all(stream.remote_done for stream in streams)


def stream_verb(options):
    """Exec or Attach: the answer names a URL, where the streams are."""
    request = {"container_id": options.target, "tty": options.tty, "stdin": options.stdin,
               "stdout": True, "stderr": not options.tty}
    if options.verb == "exec":
        request["cmd"] = options.command
    url = call(options, options.verb.capitalize(), request).url
    session = upgrade(options, url, "v4.channel.k8s.io")
    status = bytearray()
    error = session.open({"streamtype": "error"}, status.extend)
    source = session.open({"streamtype": "stdin"}, ignore) if options.stdin else None
    outputs = [session.open({"streamtype": "stdout"}, write_to(1))]
    if not options.tty:
        outputs.append(session.open({"streamtype": "stderr"}, write_to(2)))
    else:
        resize = session.open({"streamtype": "resize"}, ignore)
        send_size(session, resize, options.resize)
    session.run(lambda: all_ended(error, *outputs), source)
    return exit_status(status)


def send_size(session, stream, size):
    if size:
        session.send(stream, json.dumps({"Width": size[0], "Height": size[1]}).encode() + b"\n")


def exit_status(text):
    """The exit status that the error stream's JSON tells of."""
    try:
        status = json.loads(text)
    except ValueError:
        raise Failure(LOST, "connection lost before the exit status: " + text.decode(errors="replace"))
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise Failure(REPORTED, status.get("message") or text.decode())


def forward_verb(options):
    """One connection to a port of the sandbox, as one request of kubectl port-forward makes it."""
    url = call(options, "PortForward", {"pod_sandbox_id": options.target, "port": [options.port]}).url
    session = upgrade(options, url, "portforward.k8s.io")
    headers = {"port": str(options.port), "requestid": "0"}
    report = bytearray()
    error = session.open({"streamtype": "error", **headers}, report.extend)
    session.send(error, b"", fin=True)
    data = session.open({"streamtype": "data", **headers}, write_to(1))
    session.run(lambda: all_ended(error, data), data)
    if report:
        raise Failure(REPORTED, report.decode(errors="replace"))
    if not all_ended(error, data):
        raise Failure(LOST, "connection lost")
    # As containerd 1.7 says that the connection in the pod was reset.
    if error.was_reset or data.was_reset:
        raise Failure(LOST, "the stream was reset")
    return 0


# The command line


def size(text):
    """COLSxROWS as two numbers."""
    columns, rows = text.split("x")
    return int(columns), int(rows)


def wrong_usage(text):
    raise Failure(USAGE, text)


def parse(arguments):
    """Options before the first "--", the command after it."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = wrong_usage
    parser.add_argument("socket")
    parser.add_argument("verb", choices=["call", "exec", "attach", "forward"])
    parser.add_argument("target", help="method, container or sandbox")
    parser.add_argument("port", nargs="?", type=int, help="with forward")
    parser.add_argument("--stdin", action="store_true", help="pass stdin, with exec and attach")
    parser.add_argument("--tty", action="store_true", help="with exec and attach")
    parser.add_argument("--resize", type=size, metavar="COLSxROWS", help="size of the terminal, with --tty")
    parser.add_argument("--netns", metavar="PATH", help="network namespace of the streaming server")
    parser.add_argument("--generated", metavar="DIR", help="keeps generated messages for further runs")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS", help="for everything together")
    options = parser.parse_intermixed_args(arguments[:cut])
    options.command = arguments[cut + 1:]
    check(options)
    return options


def check(options):
    if (options.verb == "forward") != (options.port is not None):
        wrong_usage("a port belongs to forward")
    if (options.verb == "exec") != bool(options.command):
        wrong_usage("a command after -- belongs to exec")
    if options.resize and not options.tty:
        wrong_usage("--resize needs --tty")
    if options.timeout <= 0:
        wrong_usage("--timeout must be above 0")


def out_of_time(*_):
    raise Failure(LOST, "out of time")


def bound(seconds):
    """Ends the program in time whatever it waits for, with a second for gRPC to say so first."""
    signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)


def main():
    verbs = {"call": call_verb, "exec": stream_verb, "attach": stream_verb, "forward": forward_verb}
    try:
        options = parse(sys.argv[1:])
        bound(options.timeout)
        return verbs[options.verb](options)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.status
    except OSError as error:
        print("connection: %s" % error, file=sys.stderr)
        return LOST


if __name__ == "__main__":
    sys.exit(main())
