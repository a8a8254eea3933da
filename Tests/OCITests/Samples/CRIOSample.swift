extension Sample {
    /// The shape of a pod's container, CRI-O 1.27 with systemd's cgroups on a host with cgroup v2 and SELinux, of a sandbox for
    /// which CRI-O has made no container. Most annotations are left out.
    static let crio = Sample(
        name: "cri-o",
        json: #"""
            {
                "ociVersion": "1.1.0-rc.1",
                "process": {
                    "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [0]},
                    "args": ["nginx", "-g", "daemon off;"],
                    "env": [
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
                        "HOSTNAME=web-0", "KUBERNETES_SERVICE_HOST=10.96.0.1"
                    ],
                    "cwd": "/",
                    "capabilities": {
                        "bounding": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID"],
                        "effective": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID"],
                        "permitted": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID"]
                    },
                    "oomScoreAdj": 1000,
                    "selinuxLabel": "system_u:system_r:container_t:s0:c5,c20"
                },
                "root": {"path": "/var/lib/containers/storage/overlay/77aa/merged"},
                "mounts": [
                    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
                    {
                        "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]
                    },
                    {
                        "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                        "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
                    },
                    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
                    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
                    {
                        "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                        "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]
                    },
                    {
                        "destination": "/dev/shm", "type": "bind",
                        "source": "/run/containers/storage/overlay-containers/295d/userdata/shm",
                        "options": ["rw", "bind"]
                    },
                    {
                        "destination": "/etc/resolv.conf", "type": "bind",
                        "source": "/run/containers/storage/overlay-containers/295d/userdata/resolv.conf",
                        "options": ["rw", "bind", "nodev", "nosuid", "noexec"]
                    },
                    {
                        "destination": "/run/.containerenv", "type": "bind",
                        "source": "/run/containers/storage/overlay-containers/295d/userdata/.containerenv",
                        "options": ["rw", "bind", "nodev", "nosuid", "noexec"]
                    },
                    {
                        "destination": "/var/run/secrets/kubernetes.io/serviceaccount", "type": "bind",
                        "source": "/var/lib/kubelet/pods/be76/volumes/kubernetes.io~projected/kube-api-access-x",
                        "options": ["ro", "rbind", "rprivate", "bind"]
                    }
                ],
                "annotations": {
                    "io.container.manager": "cri-o",
                    "io.kubernetes.cri-o.Annotations": "{\"io.kubernetes.container.hash\":\"6d1f\"}",
                    "io.kubernetes.cri-o.ContainerID": "77aa",
                    "io.kubernetes.cri-o.ContainerType": "container",
                    "io.kubernetes.cri-o.SandboxID": "295d",
                    "io.kubernetes.cri-o.TTY": "false",
                    "kubernetes.io/config.source": "api",
                    "org.systemd.property.CollectMode": "'inactive-or-failed'",
                    "org.systemd.property.DefaultDependencies": "true",
                    "org.systemd.property.TimeoutStopUSec": "uint64 30000000"
                },
                "linux": {
                    "resources": {
                        "devices": [{"allow": false, "access": "rwm"}],
                        "memory": {"limit": 268435456, "swap": 268435456},
                        "cpu": {"shares": 102, "quota": 50000, "period": 100000},
                        "pids": {"limit": 4096},
                        "hugepageLimits": [{"pageSize": "2MB", "limit": 0}]
                    },
                    "cgroupsPath": "kubepods-burstable-podbe76.slice:crio:77aa",
                    "namespaces": [
                        {"type": "pid"},
                        {"type": "network", "path": "/var/run/netns/4b47"},
                        {"type": "ipc", "path": "/var/run/ipcns/4b47"},
                        {"type": "uts", "path": "/var/run/utsns/4b47"},
                        {"type": "mount"},
                        {"type": "cgroup"}
                    ],
                    "seccomp": {
                        "defaultAction": "SCMP_ACT_ERRNO",
                        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                        "syscalls": [{"names": ["accept", "read", "write", "exit_group"], "action": "SCMP_ACT_ALLOW"}]
                    },
                    "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/sys/firmware"],
                    "readonlyPaths": ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
                    "mountLabel": "system_u:object_r:container_file_t:s0:c5,c20"
                }
            }
            """#)
}
