"""A cluster of one node for scripts/cluster/checks: its processes, its API, pods, and what is said about them."""
import concurrent.futures
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time

LIMIT = 120  # of what a pod should come to, with a machine that may be emulated
RUNTIMES = ["runc", "bulkhead"]
DIR, CGROUP = sys.argv[1:3]
DATA, BIN = DIR + "/data", DIR + "/kubernetes/bin"
ETC, HOST = DATA + "/etc", DATA + "/host"
ENVIRONMENT = {"PATH": f"{DIR}/installed/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "BULKHEAD_CONFIG": ETC + "/bulkhead.yaml"}
KUBECTL = [BIN + "/kubectl", f"--kubeconfig={ETC}/admin.conf"]
OF_API = f"--kubeconfig={ETC}/admin.conf --leader-elect=false --cert-dir={DATA}/certificates"
COMMANDS = {
    "containerd": f"/usr/bin/containerd -c {ETC}/containerd.toml",
    "etcd": f"{BIN}/etcd --data-dir {DATA}/etcd --unsafe-no-fsync",
    "kube-apiserver": f"""{BIN}/kube-apiserver --etcd-servers=http://127.0.0.1:2379 --cert-dir={DATA}/certificates
        --advertise-address=10.99.0.2 --service-cluster-ip-range=10.96.0.0/16 --token-auth-file={ETC}/tokens.csv
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true
        --kubelet-preferred-address-types=InternalIP --service-account-issuer=https://kubernetes.default.svc
        --service-account-key-file={ETC}/accounts.key --service-account-signing-key-file={ETC}/accounts.key""",
    "kube-controller-manager": f"""{BIN}/kube-controller-manager {OF_API}
        --service-account-private-key-file={ETC}/accounts.key --root-ca-file={DATA}/certificates/apiserver.crt""",
    "kube-scheduler": f"{BIN}/kube-scheduler {OF_API}",
    "kubelet": f"""{BIN}/kubelet --config={ETC}/kubelet.yaml --kubeconfig={ETC}/node.conf --root-dir={DATA}/kubelet
        --cert-dir={DATA}/certificates --container-runtime=remote --hostname-override=trial --node-ip=10.99.0.2
        --container-runtime-endpoint=unix:///run/containerd/containerd.sock --v=2""",
}
PODS = "/api/v1/namespaces/default/pods"
processes = {}
uids = {}  # of pods, and their runtimes


def say(line):
    # In one piece: more than one thread speaks.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def check(name, found, expected=True):
    good = found == expected
    say("ok " + name if good else f"not ok {name}: {found!r}, expected {expected!r}"[:700])
    return good


class Like:
    """What a regular expression is found in."""
    def __init__(self, pattern): self.pattern = pattern
    def __eq__(self, other): return re.search(self.pattern, str(other), re.S) is not None
    def __repr__(self): return f"like {self.pattern!r}"


class Between:
    def __init__(self, least, most=float("inf")): self.least, self.most = least, most
    def __eq__(self, other): return isinstance(other, (int, float)) and self.least <= other <= self.most
    def __repr__(self): return f"{self.least} to {self.most}"


def until(seconds, condition):
    """Whether it has become true; while it fails it has not."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return True
        except (OSError, LookupError, TypeError, ValueError, http.client.HTTPException):
            pass
        if time.monotonic() > end:
            return False
        time.sleep(0.3)


def run(*command, data=b"", limit=60):
    """Exit code, standard output and standard error; 124 when it takes too long."""
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=limit, env=ENVIRONMENT)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return 124, "", f"not within {limit} s"


def kubectl(*arguments, **options):
    return run(*KUBECTL, *arguments, **options)


def ctr(*arguments):
    return run("ctr", "-n", "k8s.io", *arguments)[1].split()


def start(name, ready=None, limit=120):
    with open(f"{DIR}/log/{name}", "ab") as log:
        processes[name] = subprocess.Popen(COMMANDS[name].split(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT)
    if name == "containerd":
        ready = lambda: run("ctr", "version")[0] == 0
    if ready and not until(limit, ready):
        raise TimeoutError(f"{name} is not ready within {limit} s, see its log")


def stop(name, number=signal.SIGTERM):
    process = processes.pop(name)
    process.send_signal(number)
    process.wait(60)


def api(method, path, body=None):
    """The API's answer, as text where it is no JSON; None when there is no such object."""
    connection = http.client.HTTPSConnection("127.0.0.1", 6443, timeout=30, context=ssl._create_unverified_context())
    try:
        connection.request(method, path, json.dumps(body), {"Authorization": "Bearer admin-token", "Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status == 404:
        return None
    if answer.status >= 300:
        raise OSError(f"{method} {path}: {answer.status} {data[:300]}")
    return json.loads(data) if "json" in answer.getheader("Content-Type", "") else data


def names():
    return [each["metadata"]["name"] for each in api("GET", PODS)["items"]]


def container(name, script=None, **more):
    command = {"command": ["sh", "-c", script]} if script is not None else {}
    return {"name": name, "image": "localhost/busybox:trial", "imagePullPolicy": "Never", **command, **more}


def pod(*containers, policy="Never", grace=2, **more):
    return {"restartPolicy": policy, "terminationGracePeriodSeconds": grace, "containers": list(containers), **more}


def create(name, spec, runtime):
    """Makes a pod; @ in its paths is the runtime's."""
    spec = {"runtimeClassName": runtime, "enableServiceLinks": False, "automountServiceAccountToken": False, **spec}
    made = api("POST", PODS, {"metadata": {"name": f"{name}-{runtime}", "labels": {"of": name}},
                              "spec": json.loads(json.dumps(spec).replace("/@/", f"/{runtime}/"))})
    uids[made["metadata"]["uid"]] = runtime
    return f"{name}-{runtime}"


def delete(name):
    api("DELETE", f"{PODS}/{name}")


def gone(name):
    return until(LIMIT, lambda: api("GET", f"{PODS}/{name}") is None)


def state(status):
    """As in "terminated 3 Error"."""
    return " ".join(f"{kind} {value.get('exitCode', '')} {value.get('reason', '')}" for kind, value in status.items()).replace("  ", " ").strip()


def view(name, keys):
    """What the API says of a pod: phase, reason, conditions, events, and CONTAINER, CONTAINER.last, .restarts, .ready, .id,
    .message and .log."""
    status = (api("GET", f"{PODS}/{name}") or {"status": {}})["status"]
    seen = {"phase": status.get("phase"), "reason": status.get("reason")}
    seen["conditions"] = " ".join(f"{each['type']}={each['status']}" for each in status.get("conditions", []))
    for each in status.get("initContainerStatuses", []) + status.get("containerStatuses", []):
        detail = {"last": state(each["lastState"]), "restarts": each["restartCount"], "ready": each["ready"], "id": each.get("containerID")}
        detail["message"] = next((value.get("message") for value in each["state"].values()), None)
        seen.update({f"{each['name']}.{key}": value for key, value in detail.items()}, **{each["name"]: state(each["state"])})
    for key in keys:
        if key.endswith(".log"):
            try:
                seen[key] = api("GET", f"{PODS}/{name}/log?container={key[:-4]}")
            except OSError as error:
                seen[key] = str(error)
    if "events" in keys:
        events = api("GET", f"/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D{name}")["items"]
        seen["events"] = "\n".join(f"{each['reason']}: {each['message']}" for each in events)
    return {key: seen.get(key) for key in keys}


def becomes(title, name, expected, limit=LIMIT):
    """Checks that the pod comes to what is expected, all of it at one time."""
    seen = {}

    def does():
        seen.update(view(name, expected))
        return seen == expected
    until(limit, does)
    differing = [key for key in expected if seen.get(key) != expected[key]]
    return check(title, {key: seen.get(key) for key in differing}, {key: expected[key] for key in differing})


def running(spec, **more):
    return {**{each["name"]: "running" for each in spec["containers"]}, **more}


def both(part, cases, at_a_time=3):
    """Cases are (name, spec, what it comes to, what differs with runc or None for no comparison). Pods of some cases run at
    a time, with both runtimes."""
    def one(name, spec, expected, other={}):
        slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
        runtimes = RUNTIMES if other is not None else ["bulkhead"]
        try:
            made = [create(slug, spec, runtime) for runtime in runtimes]
            for each, runtime in zip(made, runtimes):
                becomes(f"{part}: {name} ({runtime})", each, {**expected, **(other if runtime == "runc" else {})})
                delete(each)
        except OSError as error:
            check(f"{part}: {name}", str(error), None)
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        list(pool.map(lambda case: one(*case), cases))


def pod_cgroup(name, controller):
    found = api("GET", f"{PODS}/{name}")
    kind = {"Guaranteed": "", "Burstable": "burstable/", "BestEffort": "besteffort/"}[found["status"]["qosClass"]]
    return f"/sys/fs/cgroup/{controller}/{CGROUP}/kubepods/{kind}pod{found['metadata']['uid']}"


def cgroup_value(name, file):
    with open(f"{pod_cgroup(name, file.split('.')[0])}/{file}") as opened:
        return int(opened.read())


def emulator(name):
    """The process id of the pod's QEMU, which is in the pod's cgroups."""
    for place, _, _ in os.walk(pod_cgroup(name, "memory")):
        with open(place + "/cgroup.procs") as opened:
            for each in opened.read().split():
                if os.readlink(f"/proc/{each}/exe").endswith("/qemu-system-x86_64"):
                    return int(each)


def parent(process):
    with open(f"/proc/{process}/stat") as opened:
        return int(opened.read().rpartition(")")[2].split()[1])


def mounts():
    with open("/proc/mounts") as opened:
        return [each.split()[1] for each in opened]


def node_ready():
    conditions = api("GET", "/api/v1/nodes/trial")["status"]["conditions"]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def bring_up():
    start("containerd")
    for image in "busybox", "pause":
        ctr("images", "import", f"{DATA}/images/{image}.tar")
    start("etcd")
    start("kube-apiserver", lambda: api("GET", "/healthz") == "ok")
    start("kube-controller-manager")
    start("kube-scheduler")
    start("kubelet", node_ready)
    kubectl("label", "node", "trial", "bulkhead/installed=true")
    code, _, said = kubectl("apply", "-f", "deploy/kubernetes/runtimeclass.yaml")
    check("deploy/kubernetes/runtimeclass.yaml is applied", (code, said), (0, ""))
    api("POST", "/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": "runc"}, "handler": "runc"})
    api("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "settings"}, "data": {"k": "val", "n": "nested"}})
    api("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "secret"}, "stringData": {"pw": "hidden"}})
    check("pods can be made", until(60, lambda: api("GET", "/api/v1/namespaces/default/serviceaccounts/default")))
    # Alone: its machine is what those of the others are cloned from.
    first = create("first", pod(container("c", "echo up")), "bulkhead")
    becomes("a first pod", first, {"phase": "Succeeded", "c.log": "up\n"})
    delete(first)
