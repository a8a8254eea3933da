"""What the measuring scripts have in common: a place of their own for containers, machine and commit for a result's head,
medians, and runc to compare with. Python's standard library only."""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "docs" / "benchmarks"


def fail(message):
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(1)


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout.strip()


def need_package(package, program):
    """Installs a Debian package when its program is not there."""
    if shutil.which(program):
        return
    print(f"installing {package}", file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    if subprocess.run(install, env=environment, capture_output=True).returncode != 0:
        # The package lists may be missing or old.
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True, capture_output=True)
        subprocess.run(install, env=environment, check=True, capture_output=True)


def load():
    """The load average of the last minute."""
    return float(Path("/proc/loadavg").read_text().split()[0])


def commit():
    name = output_of("git", "rev-parse", "--short=12", "HEAD")
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks")
    return name + (" with changes" if changed else "")


def accelerator():
    text = output_of(str(REPOSITORY / "bin" / "bulkhead"), "config")
    wanted = re.search(r"^accelerator: *(\w+)", text, re.MULTILINE)
    if wanted and wanted[1] != "auto":
        return wanted[1]
    capable = re.search(r"^flags.*\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return "kvm" if capable and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"


def machine():
    """Lines for a result's head."""
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)", info, re.MULTILINE)
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    qemu = re.search(r"version (\S+)", output_of("/usr/bin/qemu-system-x86_64", "--version"))
    return (
        f"{model[1] if model else 'unknown processor'}, {os.cpu_count()} cores, {memory / (1 << 20):.0f} GiB, "
        f"Linux {os.uname().release}, QEMU {qemu[1] if qemu else 'unknown'}, {accelerator()}"
    )


class Report:
    """A result in markdown: printed as it grows, and written below docs/benchmarks by `finish`."""

    def __init__(self, name, title, arguments):
        self.name = name
        self.arguments = arguments
        self.lines = []
        command = " ".join([str(Path(sys.argv[0]).resolve().relative_to(REPOSITORY))] + sys.argv[1:])
        self.add(f"# {title}", "", f"- machine: {machine()}", f"- commit: {commit()}", f"- command: `{command}`")
        self.add(f"- {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, load before: {load():.2f}", "")

    def add(self, *lines):
        self.lines += lines
        print("\n".join(lines), flush=True)

    def table(self, head, rows):
        cells = [[str(cell) for cell in row] for row in rows]
        self.add("| " + " | ".join(head) + " |", "|" + "---|" * len(head))
        self.add(*("| " + " | ".join(row) + " |" for row in cells), "")

    def finish(self):
        if self.arguments.write:
            RESULTS.mkdir(parents=True, exist_ok=True)
            path = RESULTS / f"{self.name}.md"
            path.write_text("\n".join(self.lines).rstrip("\n") + "\n")
            print(f"written to {path.relative_to(REPOSITORY)}", file=sys.stderr)


def arguments(description, **counts):
    """The options that every script has: --write, and numbers with their defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the result below docs/benchmarks as well")
    for name, (default, text) in counts.items():
        flag = "--" + name.replace("_", "-")
        if default is False:
            parser.add_argument(flag, action="store_true", help=text)
        else:
            parser.add_argument(flag, type=int, default=default, metavar="N", help=f"{text} (default {default})")
    return parser.parse_args()


def spread(values, unit="ms", digits=0):
    """Median, with minimum and maximum behind it."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f}–{high:.{digits}f})"


def verdict(value, limit, unit, at_most=True):
    """Whether a target is met, in words."""
    met = value <= limit if at_most else value >= limit
    return f"{'met' if met else '**missed**'} ({'≤' if at_most else '≥'} {limit:g} {unit})"


class Place:
    """Directories of their own for containers, which are removed at the end with whatever runs in them.

    `bulkhead` is a copy: a build meanwhile does not change what is measured. QEMU's users come from a range of this place
    alone, so that its processes can be told from others'."""

    def __init__(self, name, guest="guest"):
        """`guest` is the directory below build with the guest: `guest`, or `guest-kernel` for its own kernel. There may be
        one place of each in a process."""
        self.path = Path(f"/run/bulkhead-{name}-{os.getpid()}-{guest}")
        self.root, self.state = self.path / "root", self.path / "state"
        first = 2100000000 + os.getpid() % 200000 * 200 + (0 if guest == "guest" else 100)
        self.users = range(first, first + 100)
        self.guest = REPOSITORY / "build" / guest
        for needed in ["bin/bulkhead", "build/qemu/special-files.so", f"build/{guest}/vmlinux", f"build/{guest}/initrd.cpio", "build/images/busybox"]:
            if not (REPOSITORY / needed).exists():
                fail(f"there is no {needed} yet: make build first, and make guest-kernel")
        self.bulkhead = self.path / "bin" / "bulkhead"

    def __enter__(self):
        # Both end in `__exit__`. A shell that starts this in the background has SIGINT ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        self.path.mkdir(mode=0o700)
        try:
            for folder in ["bin", "build/guest", "build/images", "build/qemu"]:
                (self.path / folder).mkdir(parents=True)
            shutil.copy2(REPOSITORY / "bin" / "bulkhead", self.bulkhead)
            (self.path / "bin" / "bulkhead-runtime").symlink_to("bulkhead")
            shutil.copy2(REPOSITORY / "build/qemu/special-files.so", self.path / "build/qemu/special-files.so")
            for file in ["vmlinux", "initrd.cpio"]:
                shutil.copy2(self.guest / file, self.path / "build/guest" / file)
            shutil.copytree(REPOSITORY / "build/images/busybox", self.path / "build/images/busybox", symlinks=True)
            self.configure("")
            # Imports the image, and says once what is said once.
            self.run("run", "--rm", "--no-template", "busybox", "true", check=True, capture_output=True)
            self.run("template", "build", check=True, capture_output=True)
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def configure(self, more):
        """Without spares, unless `more` says so: they would take their time and memory of what is measured."""
        self.config = self.path / "config.yaml"
        if "spare:" not in more:
            more += "spare:\n  count: 0\n"
        self.config.write_text(f"root: {self.root}\nstate: {self.state}\nqemu:\n  uids: {self.users.start}-{self.users.stop - 1}\n{more}")
        self.environment = os.environ | {"BULKHEAD_CONFIG": str(self.config)}

    def command(self, *words):
        return [str(self.bulkhead), "--root", str(self.root), "--state-dir", str(self.state), *map(str, words)]

    def run(self, *words, **options):
        options = {"env": self.environment, "stdin": subprocess.DEVNULL, "timeout": 300} | options
        return subprocess.run(self.command(*words), **options)

    def start(self, *words, **options):
        options = {"env": self.environment, "stdin": subprocess.DEVNULL} | options
        return subprocess.Popen(self.command(*words), **options)

    def wait_for_spare(self):
        """Returns when a machine waits for its pod, and nothing else is made ready."""
        for _ in range(600):
            spares = self.run("spare", "ls", "--format", "json", capture_output=True, text=True, check=True).stdout
            if '"Ready":true' in spares and '"Ready":false' not in spares:
                time.sleep(0.3)
                return
            time.sleep(0.05)
        fail("no spare is ready after half a minute")

    @property
    def rootfs(self):
        """Of the image busybox, unpacked."""
        return next((self.root / "images" / "rootfs").glob("*/bin/busybox")).parent.parent

    def processes(self):
        """Every process of ours, by its name: `bulkhead` is a client, `qemu` a machine."""
        ours = self.bulkhead.stat()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                name = (entry / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
                program = os.stat(entry / "exe")
                uid = int(re.search(r"^Uid:\s*(\d+)", (entry / "status").read_text(), re.MULTILINE)[1])
                # A zombie has neither a command line nor files: it is its parent's matter.
                if (program.st_dev, program.st_ino) == (ours.st_dev, ours.st_ino):
                    found[int(entry.name)] = Path(name).name
                elif uid in self.users:
                    found[int(entry.name)] = "qemu"
            except (OSError, TypeError):
                continue
        return found

    def remove(self):
        for _ in range(50):
            processes = self.processes() if self.bulkhead.exists() else {}
            for number in processes:
                try:
                    os.kill(number, 9)
                except ProcessLookupError:
                    pass
            if not processes:
                break
            time.sleep(0.1)
        shutil.rmtree(self.path, ignore_errors=True)


class Runc:
    """A bundle that runs commands in the same root file system by runc."""

    def __init__(self, place):
        need_package("runc", "runc")
        self.place = place
        self.count = 0
        self.state = place.path / "runc"
        self.version = output_of("runc", "--version").splitlines()[0]

    def command(self, *words):
        """The command line of a run, with a root file system that is read-only but for /tmp."""
        self.count += 1
        bundle = self.place.path / "bundle"
        bundle.mkdir(exist_ok=True)
        if not (bundle / "config.json").exists():
            subprocess.run(["runc", "spec"], cwd=bundle, check=True)
        spec = json.loads((bundle / "config.json").read_text())
        spec["process"]["terminal"] = False
        spec["process"]["args"] = list(words)
        spec["root"] = {"path": str(self.place.rootfs), "readonly": True}
        if not any(mount["destination"] == "/tmp" for mount in spec["mounts"]):
            spec["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
        (bundle / "config.json").write_text(json.dumps(spec))
        return ["runc", "--root", str(self.state), "run", "--bundle", str(bundle), f"bench{os.getpid()}-{self.count}"]


def timed(command, **options):
    """Milliseconds from before a process is made until it has been waited for."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL} | options
    begin = time.monotonic()
    code = subprocess.run(command, **options).returncode
    took = (time.monotonic() - begin) * 1000
    if code != 0:
        fail(f"{' '.join(command)} ended with {code}")
    return took


class Containerd:
    """A containerd of its own with the image busybox, for `ctr run`."""

    def __init__(self, place):
        need_package("containerd", "containerd")
        need_package("runc", "runc")
        self.place = place
        self.count = 0
        self.path = place.path / "containerd"
        self.socket = self.path / "containerd.sock"
        self.version = "containerd " + output_of("containerd", "--version").split()[2]

    def __enter__(self):
        self.path.mkdir()
        config = self.path / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{self.path}/root"\nstate = "{self.path}/state"\n'
            f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "{self.socket}"\n')
        self.process = subprocess.Popen(["containerd", "-c", config], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            archive = self.path / "busybox.tar"
            subprocess.run(
                ["skopeo", "copy", "-q", f"oci:{REPOSITORY}/build/images/busybox",
                 f"oci-archive:{archive}:localhost/busybox:bench"], check=True)
            for _ in range(100):
                if self.ctr("version", capture_output=True).returncode == 0:
                    break
                time.sleep(0.1)
            self.ctr("images", "import", archive, check=True, capture_output=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)

    def ctr(self, *words, **options):
        return subprocess.run(["ctr", "--address", self.socket, *words], **options)

    def command(self, *words):
        self.count += 1
        return ["ctr", "--address", str(self.socket), "run", "--rm", "localhost/busybox:bench", f"bench{self.count}", *words]
