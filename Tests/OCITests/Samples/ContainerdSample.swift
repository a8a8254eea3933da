extension Sample {
    /// The shape of a pod's container, containerd 1.6 as CRI plugin on a host with SELinux.
    static let containerd = Sample(
        name: "containerd",
        json: #"""
            {
                "ociVersion": "1.0.2-dev",
                "process": {
                    "user": {"uid": 1000, "gid": 1000, "additionalGids": [1000, 2000]},
                    "args": ["/app/server"],
                    "env": [
                        "PATH=/usr/local/bin:/usr/bin:/bin", "HOSTNAME=web-0",
                        "KUBERNETES_PORT=tcp://10.96.0.1:443"
                    ],
                    "cwd": "/app",
                    "capabilities": {
                        "bounding": [
                            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID",
                            "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
                            "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
                            "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
                            "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"
                        ],
                        "effective": [
                            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID",
                            "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
                            "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
                            "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
                            "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"
                        ],
                        "permitted": [
                            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID",
                            "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
                            "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
                            "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
                            "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"
                        ]
                    },
                    "noNewPrivileges": true,
                    "apparmorProfile": "cri-containerd.apparmor.d",
                    "oomScoreAdj": 984,
                    "selinuxLabel": "system_u:system_r:container_t:s0:c12,c34"
                },
                "root": {"path": "rootfs", "readonly": true},
                "mounts": [
                    {
                        "destination": "/proc",
                        "type": "proc",
                        "source": "proc",
                        "options": ["nosuid", "noexec", "nodev"]
                    },
                    {
                        "destination": "/dev",
                        "type": "tmpfs",
                        "source": "tmpfs",
                        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]
                    },
                    {
                        "destination": "/dev/pts",
                        "type": "devpts",
                        "source": "devpts",
                        "options": [
                            "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
                            "gid=5"
                        ]
                    },
                    {
                        "destination": "/dev/mqueue",
                        "type": "mqueue",
                        "source": "mqueue",
                        "options": ["nosuid", "noexec", "nodev"]
                    },
                    {
                        "destination": "/sys",
                        "type": "sysfs",
                        "source": "sysfs",
                        "options": ["nosuid", "noexec", "nodev", "ro"]
                    },
                    {
                        "destination": "/sys/fs/cgroup",
                        "type": "cgroup",
                        "source": "cgroup",
                        "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]
                    },
                    {
                        "destination": "/etc/hosts",
                        "type": "bind",
                        "source": "/var/lib/kubelet/pods/6d1f/etc-hosts",
                        "options": ["rbind", "rprivate", "rw"]
                    },
                    {
                        "destination": "/dev/termination-log",
                        "type": "bind",
                        "source": "/var/lib/kubelet/pods/6d1f/containers/web/9a",
                        "options": ["rbind", "rprivate", "rw"]
                    },
                    {
                        "destination": "/etc/resolv.conf",
                        "type": "bind",
                        "source": "/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/5b/resolv.conf",
                        "options": ["rbind", "rprivate", "rw"]
                    },
                    {
                        "destination": "/dev/shm",
                        "type": "bind",
                        "source": "/run/containerd/io.containerd.grpc.v1.cri/sandboxes/5b/shm",
                        "options": ["rbind", "rprivate", "rw"]
                    },
                    {
                        "destination": "/var/run/secrets/kubernetes.io/serviceaccount",
                        "type": "bind",
                        "source": "/var/lib/kubelet/pods/6d1f/volumes/token",
                        "options": ["rbind", "rprivate", "ro"]
                    }
                ],
                "annotations": {
                    "io.kubernetes.cri.container-name": "web",
                    "io.kubernetes.cri.container-type": "container",
                    "io.kubernetes.cri.image-name": "registry.example/web:1.2",
                    "io.kubernetes.cri.sandbox-id": "5b0c",
                    "io.kubernetes.cri.sandbox-name": "web-0",
                    "io.kubernetes.cri.sandbox-namespace": "default"
                },
                "linux": {
                    "resources": {
                        "devices": [{"allow": false, "access": "rwm"}],
                        "memory": {"limit": 268435456, "swap": 268435456},
                        "cpu": {"shares": 256, "quota": 50000, "period": 100000},
                        "hugepageLimits": [
                            {"pageSize": "2MB", "limit": 0},
                            {"pageSize": "1GB", "limit": 0}
                        ],
                        "unified": {"memory.oom.group": "1"}
                    },
                    "cgroupsPath": "kubepods-burstable-pod6d1f.slice:cri-containerd:9a8b",
                    "namespaces": [
                        {"type": "pid"},
                        {"type": "ipc", "path": "/proc/4711/ns/ipc"},
                        {"type": "uts", "path": "/proc/4711/ns/uts"},
                        {"type": "mount"},
                        {"type": "network", "path": "/proc/4711/ns/net"},
                        {"type": "cgroup"}
                    ],
                    "maskedPaths": [
                        "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys",
                        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                        "/proc/sched_debug", "/proc/scsi", "/sys/firmware"
                    ],
                    "readonlyPaths": [
                        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                        "/proc/sysrq-trigger"
                    ],
                    "mountLabel": "system_u:object_r:container_file_t:s0:c12,c34"
                }
            }
            """#)
}
