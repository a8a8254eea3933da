"""Parts of scripts/cluster/checks that are pods and what becomes of them, with both runtimes."""
import os
import re
import time
from cluster import *

SLEEP = "exec sleep 10000"


def mount(name, path, **more): return {"name": name, "mountPath": path, **more}
def empty(name, **more): return {"name": name, "emptyDir": more}
def host(name, path, kind=""): return {"name": name, "hostPath": {"path": f"{HOST}/@/{path}", "type": kind}}
def execute(*command): return {"exec": {"command": list(command)}}
def limits(cpu, memory): return {"limits": {"cpu": cpu, "memory": memory}}


def life():
    data = {"volumes": [empty("d")]}
    d = {"volumeMounts": [mount("d", "/d")]}
    done, failed = "terminated 0 Completed", "terminated %d Error"
    both("life", [
        ("output", pod(container("c", "echo out; echo err >&2")), {"phase": "Succeeded", "c": done, "c.log": Like("out\n"), "c.restarts": 0}),
        ("exit codes", pod(container("c", "exit 3"), container("e", "exit 0")), {"phase": "Failed", "c": failed % 3, "c.restarts": 0, "e": done}),
        ("signals", pod(container("c", "sh -c 'kill -SEGV $$$$'; echo $?; sh -c 'kill -TERM $$$$'; exit $?")), {"c": failed % 143, "c.log": Like("139\n")}),
        ("OnFailure", pod(container("c", "echo x >>/d/n; [ $(wc -l </d/n) -ge 2 ]", **d), policy="OnFailure", **data),
         {"phase": "Succeeded", "c": done, "c.restarts": 1}),
        ("Always", pod(container("c", "echo done"), container("ok", SLEEP), policy="Always"),
         {"c.restarts": Between(1), "c.last": done, "ok": "running", "ok.restarts": 0}),
        ("no such program", pod(container("c", command=["/no/such"])), {"phase": "Failed", "c": "terminated 128 StartError", "c.message": Like("no such file")}),
        ("init containers", pod(container("c", "cat /d/f; " + SLEEP, **d), **data, initContainers=[
            container("one", "echo one >>/d/f", **d), container("two", "echo two >>/d/f; sleep 1", **d)]),
         {"phase": "Running", "one": done, "two": done, "c": "running", "c.log": "one\ntwo\n"}),
        ("an init container fails", pod(container("c", "echo never"), initContainers=[container("one", "exit 4")]),
         {"phase": "Failed", "one": failed % 4, "c": "waiting PodInitializing"}),
        ("environment", pod(container("c", "echo $A $B; pwd; echo $0 $@", workingDir="/etc", args=["x", "y z"], env=[
            {"name": "A", "value": "a b"}, {"name": "B", "value": "$(A)-$$(A)"}])), {"c.log": "a b a b-$(A)\n/etc\nx y z\n"}),
        ("/etc/hosts, resolv.conf, hostname", pod(container("c", "grep foo /etc/hosts; hostname; cat /etc/resolv.conf"),
            hostAliases=[{"ip": "1.2.3.4", "hostnames": ["foo.local"]}], hostname="myname", dnsPolicy="None",
            dnsConfig={"nameservers": ["9.9.9.9"], "searches": ["s.example"]}),
         {"c.log": Like(r"1\.2\.3\.4\s+foo\.local\nmyname\n.*(search s\.example\nnameserver 9\.9\.9\.9|nameserver 9\.9\.9\.9\nsearch s\.example)")}),
        ("termination messages", pod(container("a", "echo -n custom >/tmp/m; exit 1", terminationMessagePath="/tmp/m"),
            container("b", "echo last line; exit 1", terminationMessagePolicy="FallbackToLogsOnError"),
            container("d", "echo -n default >/dev/termination-log"), container("e", "head -c 6000 /dev/zero | tr '\\0' x >/dev/termination-log")),
         {"a.message": "custom", "b.message": "last line\n", "d.message": "default", "e.message": Like("^x{3072}$")}),
        ("activeDeadlineSeconds", pod(container("c", SLEEP), activeDeadlineSeconds=6), {"phase": "Failed", "reason": "DeadlineExceeded"}),
        ("a postStart hook fails", pod(container("c", SLEEP, lifecycle={"postStart": execute("sh", "-c", "exit 7")})),
         {"events": Like("FailedPostStartHook.*exited with 7"), "c": Like("terminated 137")}),
    ])
    hooks = pod(container("c", "trap 'echo term >>/h/log; exit 0' TERM; while :; do sleep 0.2; done", volumeMounts=[mount("h", "/h")], lifecycle={
        "postStart": execute("sh", "-c", "echo post >>/h/log"), "preStop": execute("sh", "-c", "echo pre >>/h/log; sleep 2; echo pre2 >>/h/log")}),
        grace=60, volumes=[host("h", "hooks", "DirectoryOrCreate")])
    stubborn = pod(container("c", "trap '' TERM; while :; do sleep 0.2; done"), grace=6)
    for runtime in RUNTIMES:
        made = [create("hooks", hooks, runtime), create("stubborn", stubborn, runtime)]
        for name in made:
            becomes(f"life: {name}: it runs", name, {"c": "running"})
        begin = time.monotonic()
        for name, least in zip(made, (2, 6)):
            delete(name)
            gone(name)
            check(f"life: {name}: its end takes as long as it wants, or the grace period", time.monotonic() - begin, Between(least, 45))
            begin = time.monotonic()
        with open(f"{HOST}/{runtime}/hooks/log") as opened:
            check(f"life: order of hooks ({runtime})", opened.read(), "post\npre\npre2\nterm\n")


def probes():
    tmp = "mkdir -p /tmp; "
    both("probes", [
        ("liveness", pod(container("c", tmp + "touch /tmp/ok; sleep 8; rm /tmp/ok; " + SLEEP, livenessProbe={
            **execute("cat", "/tmp/ok"), "periodSeconds": 2, "initialDelaySeconds": 2, "failureThreshold": 2}), policy="Always"),
         {"c.restarts": Between(1), "c.last": Like("terminated 137"), "events": Like("Unhealthy: Liveness probe failed.*/tmp/ok")}),
        ("readiness", pod(container("c", tmp + "sleep 6; touch /tmp/ready; " + SLEEP, readinessProbe={
            **execute("test", "-f", "/tmp/ready"), "periodSeconds": 1})),
         {"c.ready": True, "conditions": Like("Ready=True"), "c.restarts": 0, "events": Like("Readiness probe failed")}),
        ("startup", pod(container("c", tmp + "sleep 6; touch /tmp/up; " + SLEEP, startupProbe={
            **execute("test", "-f", "/tmp/up"), "periodSeconds": 1, "failureThreshold": 60}, livenessProbe={
            **execute("test", "-f", "/tmp/up"), "periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 10})),
         {"c.ready": True, "c.restarts": 0, "events": Like("Startup probe failed")}),
        ("an output", pod(container("c", SLEEP, readinessProbe={**execute("sh", "-c", "echo bad; exit 1"), "periodSeconds": 1})),
         {"c": "running", "c.ready": False, "events": Like("Readiness probe failed: bad")}),
        ("out of time", pod(container("c", SLEEP, livenessProbe={**execute("sleep", "20"), "periodSeconds": 2, "timeoutSeconds": 1, "failureThreshold": 2}),
            policy="Always"), {"c.restarts": Between(1), "events": Like("Liveness probe (failed|errored).*Killing: Container c failed liveness probe")}),
    ])


def volumes():
    for runtime in RUNTIMES:
        for path, text in ("a/f", "file-f"), ("a/sub/one", "one"):
            with open(f"{HOST}/{runtime}/{path}", "w") as opened:
                opened.write(text + "\n")
    settings = {"configMap": {"name": "settings"}}
    both("volumes", [
        ("emptyDir of two containers", pod(
            container("a", "echo hello >/d/x; echo mem >/m/f; " + SLEEP, volumeMounts=[mount("d", "/d"), mount("m", "/m")]),
            container("b", "until [ -e /m/f ]; do sleep 0.2; done; cat /d/x /m/f; grep ' /m ' /proc/mounts | wc -l; "
                      "dd if=/dev/zero of=/m/big bs=1M count=2 2>/dev/null && ls -l /m/big | awk '{print $5}'; touch /ro/x 2>/dev/null || echo read-only",
                      volumeMounts=[mount("d", "/d"), mount("m", "/m"), mount("d", "/ro", readOnly=True)]),
            volumes=[empty("d"), empty("m", medium="Memory", sizeLimit="8Mi")]),
         {"b": "terminated 0 Completed", "b.log": Like("^hello\nmem\n1\n2097152\nread-only\n$")}),
        ("hostPath, subPath, readOnly", pod(
            container("c", "cat /a/f; echo w >/a/w; cat /file; ls /s; cat /one; touch /ro/x 2>/dev/null || echo read-only; ls -d /new /expanded; touch /expanded/here",
                      env=[{"name": "POD", "value": "expanded"}], volumeMounts=[
                          mount("a", "/a"), mount("f", "/file"), mount("a", "/s", subPath="sub"), mount("a", "/one", subPath="sub/one"),
                          mount("a", "/ro", readOnly=True), mount("n", "/new"), mount("n", "/expanded", subPathExpr="$(POD)")]),
            volumes=[host("a", "a", "Directory"), host("f", "a/f", "File"), host("n", "new", "DirectoryOrCreate")]),
         {"phase": "Succeeded", "c.log": Like("^file-f\nfile-f\none\none\nread-only\n(/expanded\n/new|/new\n/expanded)\n$")}),
        ("ConfigMap, Secret, projected", pod(
            container("c", "cat /cm/k /cm/sub/n /sec/pw /single; echo; echo $E $S; ls -lnL /sec/pw | awk '{print $1, $4}'; ls /all | xargs; cat /all/pw /all/labels",
                      volumeMounts=[mount("cm", "/cm"), mount("sec", "/sec"), mount("cm", "/single", subPath="k"), mount("all", "/all")],
                      env=[{"name": "E", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "k"}}},
                           {"name": "S", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "pw"}}}]),
            securityContext={"fsGroup": 3000},
            volumes=[{"name": "cm", "configMap": {"name": "settings", "items": [{"key": "k", "path": "k"}, {"key": "n", "path": "sub/n"}]}},
                     {"name": "sec", "secret": {"secretName": "secret", "defaultMode": 0o440}},
                     {"name": "all", "projected": {"sources": [{"configMap": {"name": "settings"}}, {"secret": {"name": "secret"}}, {
                         "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]}}]),
         {"phase": "Succeeded", "c.log": Like('^valnestedhiddenval\nval hidden\n-r--r----- 3000\nk labels n pw\nhiddenof="configmap-secret-projected"$')}),
        ("downward API", pod(
            container("c", "cat /i/labels; echo; cat /i/ns /i/cpu; echo; ls -lnL /i/uid | cut -c1-10; echo $NODE $MEM $IP", resources=limits("250m", "64Mi"),
                      volumeMounts=[mount("i", "/i")], env=[{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                      {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                      {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}}]),
            volumes=[{"name": "i", "downwardAPI": {"items": [
                {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}, {"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}},
                {"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu", "divisor": "1m"}},
                {"path": "uid", "fieldRef": {"fieldPath": "metadata.uid"}, "mode": 0o400}]}}]),
         {"phase": "Succeeded", "c.log": Like(r'^of="downward-api"\ndefault250\n-r--------\ntrial 67108864 10\.88\.99\.\d+$')}),
        ("a hostPath that is missing", pod(container("c", SLEEP, volumeMounts=[mount("a", "/a")]), volumes=[host("a", "missing", "Directory")]),
         {"phase": "Pending", "events": Like("FailedMount.*hostPath type check failed")}),
        ("a socket is refused", pod(container("c", "ls /s", volumeMounts=[mount("s", "/s")]), volumes=[
            {"name": "s", "hostPath": {"path": "/run/containerd/containerd.sock", "type": "Socket"}}]),
         {"c": Like("waiting|terminated 128"), "events": Like("only files and directories reach into a virtual machine")}, None),
    ])
    for runtime in RUNTIMES:
        with open(f"{HOST}/{runtime}/a/w") as opened:
            check(f"volumes: what a container writes is on the node ({runtime})", opened.read(), "w\n")
    spec = pod(container("c", SLEEP, volumeMounts=[mount("cm", "/cm"), mount("cm", "/single", subPath="k")]), volumes=[{"name": "cm", **settings}])
    made = [create("update", spec, runtime) for runtime in RUNTIMES]
    for name in made:
        becomes(f"volumes: {name} runs", name, {"c": "running"})
    api("PUT", "/api/v1/namespaces/default/configmaps/settings", {"metadata": {"name": "settings"}, "data": {"k": "new", "n": "nested"}})
    for name in made:
        check(f"volumes: {name} sees a ConfigMap's new value", until(LIMIT, lambda: kubectl("exec", name, "--", "cat", "/cm/k")[1] == "new"))
        check(f"volumes: {name} with subPath does not", kubectl("exec", name, "--", "cat", "/single")[1], "val")
        delete(name)
    api("PUT", "/api/v1/namespaces/default/configmaps/settings", {"metadata": {"name": "settings"}, "data": {"k": "val", "n": "nested"}})


def security():
    status = "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t' | xargs; "
    with open("/proc/self/status") as opened:
        # Of a privileged container: what containerd has.
        own = re.search(r"CapEff:\s*(\w+)", opened.read())[1]
    refused = {"phase": "Pending", "c": "waiting ContainerCreating", "events": Like("host namespaces are not shared with a VM")}
    both("security", [
        ("user, groups, capabilities, read-only root", pod(
            container("c", "id -u; id -G; " + status + "touch /x 2>/dev/null || echo read-only; touch /d/y; ls -ln /d/y | awk '{print $3, $4}'", volumeMounts=[mount("d", "/d")],
                      securityContext={"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
                                       "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}), volumes=[empty("d")],
            securityContext={"runAsUser": 1000, "runAsGroup": 2000, "fsGroup": 3000, "supplementalGroups": [4000], "seccompProfile": {"type": "RuntimeDefault"}}),
         {"phase": "Succeeded", "c.log": Like("^1000\n2000 3000 4000\nCapEff:0{16} CapBnd:0{13}400 NoNewPrivs:1 Seccomp:2\nread-only\n1000 3000\n$")}),
        ("capabilities of root", pod(container("c", status, securityContext={"capabilities": {"add": ["SYS_ADMIN"], "drop": ["CHOWN"]}})),
         {"c.log": Like("^CapEff:00000000a82425fa CapBnd:00000000a82425fa NoNewPrivs:0 ")}),
        ("privileged", pod(container("c", status + "mkdir -p /mm; mount -t tmpfs x /mm && echo mounted", securityContext={"privileged": True})),
         {"phase": "Succeeded", "c.log": f"CapEff:{own} CapBnd:{own} NoNewPrivs:0 Seccomp:0\nmounted\n"}),
        ("seccomp", pod(container("none", "unshare -m true 2>&1; echo $?; " + status, securityContext={"seccompProfile": {"type": "Unconfined"}}),
                        container("default", "unshare -m true 2>&1; echo $?; " + status, securityContext={"seccompProfile": {"type": "RuntimeDefault"}})),
         {"none.log": Like("Seccomp:0"), "default.log": Like("not permitted.*Seccomp:2")}),
        ("runAsNonRoot", pod(container("c", "id"), securityContext={"runAsNonRoot": True}),
         {"c": "waiting CreateContainerConfigError", "c.message": Like("runAsNonRoot and image will run as root")}),
        ("sysctls", pod(container("c", "cat /proc/sys/net/ipv4/ip_local_port_range | xargs; cat /proc/sys/kernel/shm_rmid_forced"), securityContext={
            "sysctls": [{"name": "net.ipv4.ip_local_port_range", "value": "2000 3000"}, {"name": "kernel.shm_rmid_forced", "value": "1"}]}),
         {"c.log": "2000 3000\n1\n"}),
        ("shareProcessNamespace", pod(container("a", "exec sleep 1111"), container("b", "sleep 2; ps -o args | grep -cE '^(/?pause|sleep 1111)'; "
            "ls /proc/$(pidof sleep)/root/etc/hostname"), shareProcessNamespace=True), {"b.log": Like("^2\n/proc/.*hostname\n$")}),
        ("its own process namespace", pod(container("a", "exec sleep 1111"), container("b", "sleep 2; ps -o args | grep -c '[1]111'; echo $$$$")),
         {"b.log": Like("^0\n1\n$")}),
        ("hostNetwork is refused", pod(container("c", SLEEP), hostNetwork=True), refused, None),
        ("hostPID is refused", pod(container("c", SLEEP), hostPID=True), refused, None),
        ("hostIPC is refused", pod(container("c", SLEEP), hostIPC=True), refused, None),
        ("a kernel of its own", pod(container("c", "uname -r")), {"c.log": Like(r"^(?!%s\n)\d" % re.escape(os.uname().release))}, {"c.log": os.uname().release + "\n"}),
    ])


def resources():
    sees = "cd /sys/fs/cgroup; cat memory.max memory/memory.limit_in_bytes 2>/dev/null; cat cpu.max cpu/cpu.cfs_quota_us 2>/dev/null | cut -d' ' -f1; " + SLEEP
    killed = "terminated 137 OOMKilled"
    eats = "x=a; while :; do x=$x$x; done"
    # What it is, its containers, what the first one sees, and the limits of the pod's cgroup without overhead.
    for kind, spec, seen, memory, quota in (
        ("guaranteed", pod(container("c", sees, resources=limits("250m", "64Mi"))), "67108864\n25000\n", 64, 25000),
        ("guaranteed of two", pod(container("c", sees, resources=limits("200m", "64Mi")), container("e", SLEEP, resources=limits("100m", "32Mi"))),
         "67108864\n20000\n", 96, 30000),
        ("burstable", pod(container("c", sees, resources={"requests": {"cpu": "100m"}, "limits": {"memory": "300Mi"}}),
                          container("e", SLEEP, resources=limits("400m", "200Mi"))), "314572800\n", 500, -1),
    ):
        for runtime in RUNTIMES:
            name = create(kind.replace(" ", "-"), spec, runtime)
            if becomes(f"resources: {kind}, in the container ({runtime})", name, running(spec, **{"c.log": Like("^" + seen), "c.restarts": 0})):
                found = cgroup_value(name, "memory.limit_in_bytes") >> 20, cgroup_value(name, "cpu.cfs_quota_us")
                overhead = (224, 10000) if runtime == "bulkhead" else (0, 0)
                check(f"resources: {kind}, the pod's cgroup with the overhead ({runtime})", found, (memory + overhead[0], quota + overhead[1] if quota > 0 else -1))
                if runtime == "bulkhead":
                    check(f"resources: {kind}, QEMU is in it", emulator(name), Between(2))
            delete(name)
    both("resources", [
        ("out of memory", pod(container("c", eats, resources=limits("200m", "32Mi"))), {"phase": "Failed", "c": killed}),
        ("out of memory in a child", pod(container("c", f"sh -c '{eats}'; echo child $?; " + SLEEP, resources=limits("200m", "32Mi"))),
         {"c": "running", "c.log": Like("child 137\n"), "c.restarts": 0}),
        ("out of memory beside another", pod(container("c", "sleep 2; " + eats, resources={"limits": {"memory": "32Mi"}}), container("e", SLEEP), policy="Always"),
         {"c.restarts": Between(1), "c.last": killed, "e": "running", "e.restarts": 0}),
        ("a twentieth of a processor", pod(container("c", "echo up; " + SLEEP, resources=limits("50m", "64Mi")), policy="Always"),
         {"c": "running", "c.restarts": 0, "c.log": "up\n"}),
    ], 2)

