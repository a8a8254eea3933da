#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// How a spawn goes:
//
//   parent                     child                        grandchild (only when namespaces are joined, and the
//                                                           process gets another pid namespace)
//   clone3(PIDFD) ───────────▶ setns
//                              clone3(PARENT) ────────────▶ descriptors, session, …
//                 ◀── pid ──── _exit(0)                     execve
//   reads `report` until EOF (execve closed it) or a failure.
//
// Between clone and exec: system calls only, since another thread may hold any lock of libc.

enum { REPORT_FD_FLOOR = 512 };

struct report {
    int step;  // BH_STEP_NONE: `value` is the grandchild's pid
    int value;
};

static pid_t clone3(uint64_t flags, int *pidfd, int cgroup_fd) {
    struct clone_args args = {
        .flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = (flags & CLONE_PARENT) ? 0 : SIGCHLD,
        .cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
    };
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid >= 0 || errno != ENOSYS || cgroup_fd >= 0) return pid;
    // What Docker's seccomp profile answers, since it can see only into the arguments of clone.
    return (pid_t)syscall(SYS_clone, args.flags | args.exit_signal, NULL, pidfd, NULL, NULL);
}

static void __attribute__((noreturn)) fail(int report_fd, enum bh_step step) {
    struct report report = {step, errno};
    // When even this fails there is nobody left to tell: the exit status is the rest.
    if (write(report_fd, &report, sizeof report) != sizeof report) _exit(126);
    _exit(127);
}

void bh_reset_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &action, NULL);
    // libc keeps 32 and 33 for itself and refuses them; as it never ignores them, an inherited SIG_IGN is not ours.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/// Moves every descriptor out of the way of the targets first, so that no target overwrites a source.
static int place_descriptors(const struct bh_plan *plan, int *program_fd, int *report_fd) {
    int high = 0;
    for (size_t i = 0; i < plan->fd_count; i++)
        if (plan->fds[i].to > high) high = plan->fds[i].to;
    int floor = high + 1 > 3 ? high + 1 : 3;
    int moved = fcntl(*report_fd, F_DUPFD_CLOEXEC, floor);
    if (moved < 0) return -1;
    *report_fd = moved;
    if (*program_fd >= 0) {
        moved = fcntl(*program_fd, F_DUPFD_CLOEXEC, floor);
        if (moved < 0) return -1;
        *program_fd = moved;
    }
    int sources[64];
    for (size_t i = 0; i < plan->fd_count; i++) {
        sources[i] = fcntl(plan->fds[i].from, F_DUPFD_CLOEXEC, floor);
        if (sources[i] < 0) return -1;
    }
    for (size_t i = 0; i < plan->fd_count; i++)
        if (dup2(sources[i], plan->fds[i].to) < 0) return -1;
    // Whatever is open besides: close-on-exec, so that the report pipe lives until execve.
    if (syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) return -1;
    for (size_t i = 0; i < plan->fd_count; i++)
        if (fcntl(plan->fds[i].to, F_SETFD, 0) < 0) return -1;
    return 0;
}

static void __attribute__((noreturn)) run_child(const struct bh_plan *plan, int report_fd, pid_t parent) {
    if (plan->death_signal) {
        if (prctl(PR_SET_PDEATHSIG, plan->death_signal, 0, 0, 0) < 0) fail(report_fd, BH_STEP_DEATH_SIGNAL);
        // The parent may be gone already; in a new pid namespace its pid reads as 0.
        pid_t now = getppid();
        if (now != parent && now != 0) {
            errno = ESRCH;
            fail(report_fd, BH_STEP_DEATH_SIGNAL);
        }
    }
    int program_fd = plan->program_fd;
    if (place_descriptors(plan, &program_fd, &report_fd) < 0) fail(report_fd, BH_STEP_DESCRIPTORS);
    if (plan->new_session) {
        if (setsid() < 0) fail(report_fd, BH_STEP_SESSION);
        if (plan->terminal >= 0 && ioctl(plan->terminal, TIOCSCTTY, 0) < 0) fail(report_fd, BH_STEP_TERMINAL);
    }
    if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(report_fd, BH_STEP_PRIVILEGES);
    bh_reset_signals();
    if (program_fd >= 0)
        syscall(SYS_execveat, program_fd, "", plan->argv, plan->envp, AT_EMPTY_PATH);
    else
        execve(plan->path, plan->argv, plan->envp);
    fail(report_fd, BH_STEP_EXEC);
}

static int forks_again(const struct bh_plan *plan) {
    return plan->join_pidfd >= 0 && ((plan->join_namespaces | plan->new_namespaces) & CLONE_NEWPID);
}

static void __attribute__((noreturn)) run_first(const struct bh_plan *plan, int report_fd, pid_t parent) {
    if (plan->join_pidfd < 0) run_child(plan, report_fd, parent);
    if (syscall(SYS_setns, plan->join_pidfd, (int)plan->join_namespaces) < 0) fail(report_fd, BH_STEP_JOIN);
    if (!forks_again(plan)) {
        if (plan->new_namespaces && unshare((int)plan->new_namespaces) < 0) fail(report_fd, BH_STEP_UNSHARE);
        run_child(plan, report_fd, parent);
    }
    // A pid namespace holds for children only, so one more process: our parent's child, not ours.
    pid_t pid = clone3(plan->new_namespaces | CLONE_PARENT, NULL, -1);
    if (pid < 0) fail(report_fd, BH_STEP_CLONE);
    if (pid == 0) run_child(plan, report_fd, 0);
    struct report report = {BH_STEP_NONE, pid};
    if (write(report_fd, &report, sizeof report) != sizeof report) _exit(126);
    _exit(0);
}

/// Reads one report. 1: got one, 0: EOF.
static int read_report(int fd, struct report *report) {
    for (;;) {
        ssize_t n = read(fd, report, sizeof *report);
        if (n == (ssize_t)sizeof *report) return 1;
        if (n < 0 && errno == EINTR) continue;
        return 0;
    }
}

static void reap(pid_t pid) {
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {
    }
}

pid_t bh_spawn(const struct bh_plan *plan, int *pidfd, enum bh_step *failed) {
    int pipe_fds[2];
    *failed = BH_STEP_PIPE;
    *pidfd = -1;
    if (plan->fd_count > 64) return -EINVAL;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) return -errno;

    uint64_t flags = plan->join_pidfd >= 0 ? 0 : plan->new_namespaces;
    pid_t self = getpid();
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);  // No handler of ours may run in the child.
    pid_t pid = clone3(flags, pidfd, plan->cgroup_fd);
    int code = errno;
    if (pid == 0) {
        close(pipe_fds[0]);
        run_first(plan, pipe_fds[1], self);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(pipe_fds[1]);
    if (pid < 0) {
        close(pipe_fds[0]);
        *failed = BH_STEP_CLONE;
        return -code;
    }

    struct report report;
    pid_t result = pid;
    *failed = BH_STEP_NONE;
    while (read_report(pipe_fds[0], &report)) {
        if (report.step != BH_STEP_NONE) {
            *failed = report.step;
            code = report.value;
            continue;
        }
        result = report.value;
    }
    close(pipe_fds[0]);
    if (forks_again(plan)) {
        reap(pid);
        close(*pidfd);
        *pidfd = -1;
        if (result == pid && *failed == BH_STEP_NONE) {
            *failed = BH_STEP_CLONE;
            code = ECHILD;
        } else if (*failed == BH_STEP_NONE) {
            *pidfd = bh_pidfd_open(result, 0);
            if (*pidfd < 0) {
                code = -*pidfd;
                *failed = BH_STEP_CLONE;
            }
        }
    }
    if (*failed != BH_STEP_NONE) {
        if (!forks_again(plan) || result != pid) reap(result);
        if (*pidfd >= 0) close(*pidfd);
        *pidfd = -1;
        return -code;
    }
    return result;
}

// Its own failures end the copy: whoever waits at the channel's other end sees that.
static void become_copy(const struct bh_fork_plan *plan, pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) _exit(126);
    // In a new pid namespace the parent's pid reads as 0.
    pid_t now = getppid();
    if (now != parent && now != 0) _exit(126);
    if (plan->channel != plan->channel_number && dup2(plan->channel, plan->channel_number) < 0) _exit(126);
    if (plan->channel_number > 3 && syscall(SYS_close_range, 3u, (unsigned)plan->channel_number - 1, 0) < 0) _exit(126);
    if (syscall(SYS_close_range, (unsigned)plan->channel_number + 1, ~0u, 0) < 0) _exit(126);
    if (setsid() < 0) _exit(126);
    bh_reset_signals();
}

pid_t bh_fork(const struct bh_fork_plan *plan, int *pidfd, enum bh_step *failed) {
    *failed = BH_STEP_JOIN;
    *pidfd = -1;
    if (plan->join_namespaces && syscall(SYS_setns, plan->join_pidfd, (int)plan->join_namespaces) < 0) return -errno;
    pid_t parent = getppid();
    *failed = BH_STEP_CLONE;
    pid_t pid = clone3(plan->new_namespaces | CLONE_PARENT, pidfd, plan->cgroup_fd);
    int code = errno;
    if (pid == 0) {
        become_copy(plan, parent);
        return 0;
    }
    // Left in the namespaces of a container it would make others there.
    if (plan->join_namespaces && syscall(SYS_setns, plan->home_pidfd, (int)plan->join_namespaces) < 0) _exit(125);
    if (pid < 0) return -code;
    *failed = BH_STEP_NONE;
    return pid;
}

int bh_pidfd_open(pid_t pid, unsigned flags) {
    int fd = (int)syscall(SYS_pidfd_open, pid, flags);
    return fd < 0 ? -errno : fd;
}

int bh_pidfd_send_signal(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

static int wait_for(idtype_t type, id_t id, int flags, struct bh_exit *result) {
    siginfo_t info;
    info.si_pid = 0;
    for (;;) {
        if (waitid(type, id, &info, WEXITED | __WALL | flags) == 0) break;
        if (errno != EINTR) return -errno;
    }
    if (info.si_pid == 0) return 0;
    result->pid = info.si_pid;
    result->how = info.si_code == CLD_EXITED ? BH_EXITED : BH_SIGNALED;
    result->status = info.si_status;
    return 1;
}

int bh_wait_pidfd(int pidfd, int nohang, struct bh_exit *result) {
    return wait_for((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, nohang ? WNOHANG : 0, result);
}

int bh_peek_any(struct bh_exit *result) { return wait_for(P_ALL, 0, WNOHANG | WNOWAIT, result); }

int bh_wait_pid(pid_t pid, struct bh_exit *result) { return wait_for(P_PID, (id_t)pid, WNOHANG, result); }
