#include "CAgent.h"

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
