/// libseccomp, and those of its macros that Swift cannot read. Apart from CLinux so that only the agent links it.
#pragma once

#include <seccomp.h>
#include <stdint.h>

/// The action of that name (`SCMP_ACT_KILL_PROCESS`), with `data` for ERRNO and TRACE. 0: *action is set.
int bh_seccomp_action(const char *name, uint32_t data, uint32_t *action);
/// The comparison of that name (`SCMP_CMP_EQ`), or -1.
int bh_seccomp_comparison(const char *name);
