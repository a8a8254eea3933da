extension Sample {
    /// Every field of the specification with a value other than the empty one.
    static let complete = Sample(
        name: "complete",
        json: #"""
            {
                "ociVersion": "1.2.0",
                "root": {"path": "rootfs", "readonly": true},
                "process": {
                    "terminal": true,
                    "consoleSize": {"height": 24, "width": 80},
                    "user": {"uid": 1, "gid": 2, "umask": 18, "additionalGids": [3], "username": "u"},
                    "args": ["a"],
                    "commandLine": "c",
                    "env": ["A=b"],
                    "cwd": "/",
                    "capabilities": {
                        "bounding": ["CAP_KILL"],
                        "effective": ["CAP_KILL"],
                        "inheritable": ["CAP_KILL"],
                        "permitted": ["CAP_KILL"],
                        "ambient": ["CAP_KILL"]
                    },
                    "rlimits": [{"type": "RLIMIT_CORE", "hard": 2, "soft": 1}],
                    "noNewPrivileges": true,
                    "apparmorProfile": "p",
                    "oomScoreAdj": -5,
                    "selinuxLabel": "l",
                    "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
                    "scheduler": {
                        "policy": "SCHED_DEADLINE",
                        "nice": -1,
                        "priority": 1,
                        "flags": ["SCHED_FLAG_RESET_ON_FORK"],
                        "runtime": 1,
                        "deadline": 2,
                        "period": 3
                    },
                    "execCPUAffinity": {"initial": "0", "final": "0-1"}
                },
                "hostname": "h",
                "domainname": "d",
                "mounts": [
                    {
                        "destination": "/m",
                        "type": "tmpfs",
                        "source": "s",
                        "options": ["ro"],
                        "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
                        "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]
                    }
                ],
                "hooks": {
                    "prestart": [{"path": "/h", "args": ["h"], "env": ["A=b"], "timeout": 3}],
                    "createRuntime": [{"path": "/h", "args": ["h"], "env": ["A=b"], "timeout": 3}],
                    "createContainer": [{"path": "/h", "args": ["h"], "env": ["A=b"], "timeout": 3}],
                    "startContainer": [{"path": "/h", "args": ["h"], "env": ["A=b"], "timeout": 3}],
                    "poststart": [{"path": "/h", "args": ["h"], "env": ["A=b"], "timeout": 3}],
                    "poststop": [{"path": "/h", "args": ["h"], "env": ["A=b"], "timeout": 3}]
                },
                "annotations": {"a": "b"},
                "linux": {
                    "namespaces": [
                        {"type": "pid", "path": "/n"},
                        {"type": "network"},
                        {"type": "mount"},
                        {"type": "ipc"},
                        {"type": "uts"},
                        {"type": "user"},
                        {"type": "cgroup"},
                        {"type": "time"}
                    ],
                    "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
                    "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
                    "timeOffsets": {"monotonic": {"secs": -1, "nanosecs": 2}},
                    "devices": [
                        {
                            "path": "/d",
                            "type": "c",
                            "major": 1,
                            "minor": 2,
                            "fileMode": 438,
                            "uid": 1,
                            "gid": 1
                        }
                    ],
                    "netDevices": {"eth0": {"name": "e"}},
                    "cgroupsPath": "/c",
                    "resources": {
                        "devices": [
                            {
                                "allow": true,
                                "type": "c",
                                "major": 1,
                                "minor": -1,
                                "access": "rwm"
                            }
                        ],
                        "memory": {
                            "limit": 1,
                            "reservation": 1,
                            "swap": -1,
                            "kernel": 1,
                            "kernelTCP": 1,
                            "swappiness": 60,
                            "disableOOMKiller": true,
                            "useHierarchy": true,
                            "checkBeforeUpdate": true
                        },
                        "cpu": {
                            "shares": 2,
                            "quota": -1,
                            "burst": 1,
                            "period": 1,
                            "realtimeRuntime": 1,
                            "realtimePeriod": 1,
                            "cpus": "0",
                            "mems": "0",
                            "idle": 1
                        },
                        "pids": {"limit": 5},
                        "blockIO": {
                            "weight": 10,
                            "leafWeight": 10,
                            "weightDevice": [
                                {
                                    "major": 8,
                                    "minor": 0,
                                    "weight": 10,
                                    "leafWeight": 10
                                }
                            ],
                            "throttleReadBpsDevice": [
                                {
                                    "major": 8,
                                    "minor": 0,
                                    "rate": 1024
                                }
                            ],
                            "throttleWriteBpsDevice": [
                                {
                                    "major": 8,
                                    "minor": 0,
                                    "rate": 1024
                                }
                            ],
                            "throttleReadIOPSDevice": [
                                {
                                    "major": 8,
                                    "minor": 0,
                                    "rate": 1024
                                }
                            ],
                            "throttleWriteIOPSDevice": [
                                {
                                    "major": 8,
                                    "minor": 0,
                                    "rate": 1024
                                }
                            ]
                        },
                        "hugepageLimits": [{"pageSize": "2MB", "limit": 4096}],
                        "network": {
                            "classID": 1,
                            "priorities": [{"name": "eth0", "priority": 1}]
                        },
                        "rdma": {"mlx5_0": {"hcaHandles": 1, "hcaObjects": 2}},
                        "unified": {"io.max": "8:0 rbps=1"}
                    },
                    "rootfsPropagation": "rslave",
                    "seccomp": {
                        "defaultAction": "SCMP_ACT_NOTIFY",
                        "defaultErrnoRet": 1,
                        "architectures": ["SCMP_ARCH_X86_64"],
                        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                        "listenerPath": "/l",
                        "listenerMetadata": "m",
                        "syscalls": [
                            {
                                "names": ["read"],
                                "action": "SCMP_ACT_ERRNO",
                                "errnoRet": 5,
                                "args": [
                                    {
                                        "index": 5,
                                        "value": 18446744073709551615,
                                        "valueTwo": 1,
                                        "op": "SCMP_CMP_NE"
                                    }
                                ]
                            }
                        ]
                    },
                    "sysctl": {"kernel.msgmax": "1"},
                    "maskedPaths": ["/p"],
                    "readonlyPaths": ["/r"],
                    "mountLabel": "l",
                    "intelRdt": {
                        "closID": "g",
                        "l3CacheSchema": "L3:0=f",
                        "memBwSchema": "MB:0=20",
                        "enableCMT": true,
                        "enableMBM": true
                    },
                    "personality": {"domain": "LINUX32", "flags": ["f"]}
                },
                "vm": {},
                "windows": {},
                "solaris": {},
                "zos": {}
            }
            """#)
}
