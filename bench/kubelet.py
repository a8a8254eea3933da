"""A containerd with CRI as a kubelet has it, for what measures it and what wears it out."""

import importlib.util
import json
import os
import subprocess
import time

import harness

IMAGE, PAUSE = "localhost/busybox:bench", "localhost/pause:bench"
SHIMS = {"runc": "io.containerd.runc.v2", "bulkhead": "io.containerd.bulkhead.v2"}


def load_driver():
    """The driver of the tests, which is a program."""
    spec = importlib.util.spec_from_file_location(
        "cri", harness.REPOSITORY / "Tests/EndToEndTests/Engines/CRI/cri.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cri = load_driver()


class Containerd:
    """A containerd of Debian's with directories of its own, in a network namespace of its own."""

    def __init__(self, place):
        for package, program in [
                ("containerd", "/usr/bin/containerd"), ("runc", "runc"), ("skopeo", "skopeo"), ("umoci", "umoci"),
                ("containernetworking-plugins", "/usr/lib/cni/bridge")]:
            harness.need_package(package, program)
        self.place, self.path, self.count = place, place.path / "containerd", 0
        self.socket = self.path / "socket"
        self.driver_options = cri.argparse.Namespace(
            socket=str(self.socket), generated=str(self.path / "generated"), timeout=120)

    def __enter__(self):
        (self.path / "bin").mkdir(parents=True)
        (self.path / "net.d").mkdir()
        (self.place.path / "bin" / "containerd-shim-bulkhead-v2").symlink_to("bulkhead")
        shim = self.path / "bin" / "containerd-shim-bulkhead-v2"
        shim.write_text(
            f'#!/bin/sh\nBULKHEAD_CONFIG={self.place.config} exec {self.place.path}/bin/containerd-shim-bulkhead-v2 "$@"\n')
        shim.chmod(0o755)
        network = {"type": "bridge", "bridge": "bench0", "isGateway": True, "ipam": {
            "type": "host-local", "dataDir": f"{self.path}/ipam", "ranges": [[{"subnet": "10.88.78.0/24"}]]}}
        (self.path / "net.d" / "10-bench.conflist").write_text(
            json.dumps({"cniVersion": "0.4.0", "name": "bench", "plugins": [network]}))
        handlers = "".join(
            f'[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]\nruntime_type = "{kind}"\n'
            for name, kind in SHIMS.items())
        (self.path / "config.toml").write_text(
            f'version = 2\nroot = "{self.path}/data"\nstate = "{self.path}/state"\n[grpc]\naddress = "{self.socket}"\n'
            f'[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "{PAUSE}"\nrestrict_oom_score_adj = true\n'
            f'[plugins."io.containerd.grpc.v1.cri".cni]\nbin_dir = "/usr/lib/cni"\nconf_dir = "{self.path}/net.d"\n{handlers}')
        environment = os.environ | {"PATH": f"{self.path}/bin:{os.environ['PATH']}"}
        self.version = harness.output_of("/usr/bin/containerd", "--version")
        # In a network namespace of its own, whatever it does there.
        self.daemon = subprocess.Popen(
            ["unshare", "--net", "--", "/usr/bin/containerd", "-c", self.path / "config.toml"], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self.path / "log").open("w"))
        try:
            for _ in range(300):
                if self.cri("Version", {}, check=False) is not None:
                    break
                time.sleep(0.1)
            for space in ["default", "k8s.io"]:
                self.ctr("-n", space, "images", "import", self.busybox())
            self.ctr("-n", "k8s.io", "images", "import", self.pause())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.daemon.terminate()
        self.daemon.wait(timeout=60)

    def busybox(self):
        path = self.path / "busybox.tar"
        if not path.exists():
            subprocess.run(
                ["skopeo", "copy", "-q", f"oci:{harness.REPOSITORY}/build/images/busybox", f"oci-archive:{path}:{IMAGE}"],
                check=True)
        return path

    def pause(self):
        """One program and nothing else, as the usual image of a pod's sandbox."""
        image, bundle, path = f"{self.path}/pause:image", self.path / "bundle", self.path / "pause.tar"
        for words in [("init", "--layout", self.path / "pause"), ("new", "--image", image), ("unpack", "--image", image, bundle)]:
            subprocess.run(["umoci", *words], check=True, capture_output=True)
        program = bundle / "rootfs" / "pause"
        program.write_bytes((harness.REPOSITORY / "bin/bulkhead-pause").read_bytes())
        program.chmod(0o755)
        for words in [
                ("repack", "--image", image, bundle),
                ("config", "--image", image, "--os", "linux", "--architecture", "amd64", "--config.entrypoint", "/pause")]:
            subprocess.run(["umoci", *words], check=True, capture_output=True)
        subprocess.run(["skopeo", "copy", "-q", f"oci:{image}", f"oci-archive:{path}:{PAUSE}"], check=True)
        return path

    def command(self, *words):
        return ["/usr/bin/ctr", "--address", str(self.socket), *map(str, words)]

    def ctr(self, *words, **settings):
        settings = {"check": True, "capture_output": True, "stdin": subprocess.DEVNULL, "timeout": 120} | settings
        return subprocess.run(self.command(*words), **settings)

    def run_words(self, runtime, *words, more=("--rm",)):
        self.count += 1
        return self.command("run", *more, "--runtime", SHIMS[runtime], IMAGE, f"c{self.count}", *words)

    def cri(self, method, request, check=True):
        """Calls a method of the runtime service: in this process, since starting Python takes longer than most of them."""
        try:
            answer = cri.call(self.driver_options, method, request)
        except cri.Failure as failure:
            if check:
                harness.fail(f"{method}: {failure}")
            return None
        return answer

    def begin_pod(self, runtime, name):
        """A pod until its first container runs. Returns both."""
        config = {
            "metadata": {"name": name, "uid": name, "namespace": "bench"}, "hostname": name,
            "log_directory": str(self.path / "logs" / name), "linux": {"cgroup_parent": f"/bench/{name}"}}
        pod = self.cri("RunPodSandbox", {"config": config, "runtime_handler": runtime}).pod_sandbox_id
        container = self.cri("CreateContainer", {
            "pod_sandbox_id": pod, "sandbox_config": config, "config": {
                "metadata": {"name": "c"}, "image": {"image": IMAGE}, "command": ["sleep", "600"], "log_path": "c.log",
                "linux": {"security_context": {"namespace_options": {"pid": "CONTAINER"}}}}}).container_id
        self.cri("StartContainer", {"container_id": container})
        return pod, container

    def end_pod(self, pod):
        self.cri("StopPodSandbox", {"pod_sandbox_id": pod})
        self.cri("RemovePodSandbox", {"pod_sandbox_id": pod})
