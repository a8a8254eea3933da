extension Sample {
    /// The shape of `podman run -t -v /srv/data:/data`, Podman 4.3 on Debian 12, the seccomp rules cut short.
    static let podman = Sample(
        name: "podman",
        json: #"""
            {
                "ociVersion": "1.0.2-dev",
                "process": {
                    "terminal": true,
                    "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [0]},
                    "args": ["sh"],
                    "env": [
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "TERM=xterm", "container=podman", "HOME=/root", "HOSTNAME=c0ffee123456"
                    ],
                    "cwd": "/",
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
                    "rlimits": [
                        {"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 1048576},
                        {
                            "type": "RLIMIT_NPROC",
                            "hard": 18446744073709551615,
                            "soft": 18446744073709551615
                        }
                    ],
                    "apparmorProfile": "containers-default-0.50.1",
                    "oomScoreAdj": 0
                },
                "root": {"path": "/var/lib/containers/storage/overlay/5f3e/merged"},
                "hostname": "c0ffee123456",
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
                        "options": ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"]
                    },
                    {
                        "destination": "/sys",
                        "type": "sysfs",
                        "source": "sysfs",
                        "options": ["nosuid", "noexec", "nodev", "ro"]
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
                        "destination": "/run/.containerenv",
                        "type": "bind",
                        "source": "/run/containers/storage/overlay-containers/c0ff/userdata/.containerenv",
                        "options": ["bind", "rprivate"]
                    },
                    {
                        "destination": "/etc/hosts",
                        "type": "bind",
                        "source": "/run/containers/storage/overlay-containers/c0ff/userdata/hosts",
                        "options": ["bind", "rprivate"]
                    },
                    {
                        "destination": "/dev/shm",
                        "type": "bind",
                        "source": "/var/lib/containers/storage/overlay-containers/c0ff/userdata/shm",
                        "options": ["bind", "rprivate", "nosuid", "noexec", "nodev"]
                    },
                    {
                        "destination": "/sys/fs/cgroup",
                        "type": "cgroup",
                        "source": "cgroup",
                        "options": ["rprivate", "nosuid", "noexec", "nodev", "relatime", "ro"]
                    },
                    {
                        "destination": "/data",
                        "type": "bind",
                        "source": "/srv/data",
                        "options": ["rw", "rprivate", "rbind"]
                    }
                ],
                "annotations": {
                    "io.container.manager": "libpod",
                    "io.kubernetes.cri-o.Created": "2023-01-20T10:11:12.123456789Z",
                    "io.kubernetes.cri-o.TTY": "true",
                    "io.podman.annotations.autoremove": "TRUE",
                    "io.podman.annotations.init": "FALSE",
                    "io.podman.annotations.privileged": "FALSE",
                    "io.podman.annotations.publish-all": "FALSE",
                    "org.opencontainers.image.stopSignal": "15"
                },
                "linux": {
                    "sysctl": {"net.ipv4.ping_group_range": "0 0"},
                    "resources": {
                        "devices": [{"allow": false, "access": "rwm"}],
                        "memory": {},
                        "cpu": {},
                        "pids": {"limit": 2048}
                    },
                    "cgroupsPath": "machine.slice:libpod:c0ffee123456",
                    "namespaces": [
                        {"type": "pid"},
                        {"type": "network", "path": "/run/netns/netns-8f2d"},
                        {"type": "ipc"},
                        {"type": "uts"},
                        {"type": "mount"},
                        {"type": "cgroup"}
                    ],
                    "seccomp": {
                        "defaultAction": "SCMP_ACT_ERRNO",
                        "defaultErrnoRet": 38,
                        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                        "syscalls": [
                            {
                                "names": ["bdflush", "io_pgetevents"],
                                "action": "SCMP_ACT_ERRNO",
                                "errnoRet": 1
                            },
                            {
                                "names": ["_llseek", "accept"],
                                "action": "SCMP_ACT_ALLOW"
                            },
                            {
                                "names": ["socket"],
                                "action": "SCMP_ACT_ERRNO",
                                "errnoRet": 22,
                                "args": [
                                    {
                                        "index": 0,
                                        "value": 16,
                                        "op": "SCMP_CMP_EQ"
                                    },
                                    {
                                        "index": 2,
                                        "value": 9,
                                        "op": "SCMP_CMP_EQ"
                                    }
                                ]
                            }
                        ]
                    },
                    "maskedPaths": [
                        "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys",
                        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                        "/proc/sched_debug", "/proc/scsi", "/sys/firmware"
                    ],
                    "readonlyPaths": [
                        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                        "/proc/sysrq-trigger"
                    ]
                }
            }
            """#)
}
