extension Sample {
    /// The shape of `docker run nginx`, Docker 20.10 on a cgroup v1 host with AppArmor, the seccomp rules cut short.
    static let docker = Sample(
        name: "docker",
        json: #"""
            {
                "ociVersion": "1.0.2-dev",
                "process": {
                    "user": {"uid": 0, "gid": 0, "additionalGids": [0, 1, 2, 3, 4, 6, 10, 11, 20, 26, 27]},
                    "args": ["nginx", "-g", "daemon off;"],
                    "env": [
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "HOSTNAME=3f4a1b2c5d6e", "NGINX_VERSION=1.25.3"
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
                        "inheritable": [
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
                    "apparmorProfile": "docker-default",
                    "oomScoreAdj": 0
                },
                "root": {"path": "/var/lib/docker/overlay2/7c1f/merged"},
                "hostname": "3f4a1b2c5d6e",
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
                        "destination": "/sys",
                        "type": "sysfs",
                        "source": "sysfs",
                        "options": ["nosuid", "noexec", "nodev", "ro"]
                    },
                    {
                        "destination": "/sys/fs/cgroup",
                        "type": "cgroup",
                        "source": "cgroup",
                        "options": ["ro", "nosuid", "noexec", "nodev"]
                    },
                    {
                        "destination": "/dev/mqueue",
                        "type": "mqueue",
                        "source": "mqueue",
                        "options": ["nosuid", "noexec", "nodev"]
                    },
                    {
                        "destination": "/dev/shm",
                        "type": "tmpfs",
                        "source": "shm",
                        "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"]
                    },
                    {
                        "destination": "/etc/resolv.conf",
                        "type": "bind",
                        "source": "/var/lib/docker/containers/3f4a/resolv.conf",
                        "options": ["rbind", "rprivate"]
                    },
                    {
                        "destination": "/etc/hostname",
                        "type": "bind",
                        "source": "/var/lib/docker/containers/3f4a/hostname",
                        "options": ["rbind", "rprivate"]
                    },
                    {
                        "destination": "/etc/hosts",
                        "type": "bind",
                        "source": "/var/lib/docker/containers/3f4a/hosts",
                        "options": ["rbind", "rprivate"]
                    }
                ],
                "hooks": {
                    "prestart": [
                        {
                            "path": "/proc/812/exe",
                            "args": [
                                "libnetwork-setkey", "-exec-root=/var/run/docker",
                                "3f4a1b2c5d6e", "a1b2c3d4e5f6"
                            ]
                        }
                    ]
                },
                "linux": {
                    "sysctl": {
                        "net.ipv4.ip_unprivileged_port_start": "0",
                        "net.ipv4.ping_group_range": "0 2147483647"
                    },
                    "resources": {
                        "devices": [
                            {"allow": false, "access": "rwm"},
                            {
                                "allow": true,
                                "type": "c",
                                "major": 1,
                                "minor": 5,
                                "access": "rwm"
                            },
                            {
                                "allow": true,
                                "type": "c",
                                "major": 1,
                                "minor": 3,
                                "access": "rwm"
                            },
                            {
                                "allow": true,
                                "type": "c",
                                "major": 1,
                                "minor": 9,
                                "access": "rwm"
                            },
                            {
                                "allow": true,
                                "type": "c",
                                "major": 1,
                                "minor": 8,
                                "access": "rwm"
                            },
                            {
                                "allow": true,
                                "type": "c",
                                "major": 5,
                                "minor": 0,
                                "access": "rwm"
                            },
                            {
                                "allow": true,
                                "type": "c",
                                "major": 5,
                                "minor": 1,
                                "access": "rwm"
                            },
                            {
                                "allow": false,
                                "type": "c",
                                "major": 10,
                                "minor": 229,
                                "access": "rwm"
                            }
                        ],
                        "memory": {"disableOOMKiller": false},
                        "cpu": {"shares": 0},
                        "pids": {"limit": 0},
                        "blockIO": {"weight": 0}
                    },
                    "cgroupsPath": "/docker/3f4a1b2c5d6e",
                    "namespaces": [
                        {"type": "mount"},
                        {"type": "network"},
                        {"type": "uts"},
                        {"type": "pid"},
                        {"type": "ipc"}
                    ],
                    "seccomp": {
                        "defaultAction": "SCMP_ACT_ERRNO",
                        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                        "syscalls": [
                            {
                                "names": [
                                    "accept", "accept4", "access", "read",
                                    "write"
                                ],
                                "action": "SCMP_ACT_ALLOW"
                            },
                            {
                                "names": ["personality"],
                                "action": "SCMP_ACT_ALLOW",
                                "args": [
                                    {
                                        "index": 0,
                                        "value": 4294967295,
                                        "op": "SCMP_CMP_EQ"
                                    }
                                ]
                            },
                            {
                                "names": ["clone"],
                                "action": "SCMP_ACT_ALLOW",
                                "args": [
                                    {
                                        "index": 0,
                                        "value": 2114060288,
                                        "valueTwo": 0,
                                        "op": "SCMP_CMP_MASKED_EQ"
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
