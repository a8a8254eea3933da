#include "CAgent.h"

#include <malloc.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

// The Swift runtime reads /proc/self while it starts and crashes without it: as PID 1 nobody has mounted it for us.
// A failure shows itself by that crash, on the console.
__attribute__((constructor(101))) static void mount_proc(void) {
    // A container's init has the number 1 as well, in its own namespace, and a /proc already.
    if (getpid() != 1 || access("/proc/self", F_OK) == 0) return;
    mkdir("/proc", 0755);
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

// Buffers of the link come and go with every read. With libc's defaults they are mapped or trimmed away each time: 12,600
// page faults for 50 MB of input, and half as many so.
__attribute__((constructor(102))) static void keep_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
}
