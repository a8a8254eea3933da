#include "CAgent.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

// The Swift runtime reads /proc/self while it starts and crashes without it: as PID 1 nobody has mounted it for us.
// A failure shows itself by that crash, on the console.
__attribute__((constructor(101))) static void mount_proc(void) {
    if (getpid() != 1) return;
    mkdir("/proc", 0755);
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}
