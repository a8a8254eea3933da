/// What Swift cannot say of Linux: process creation, variadic calls, structures with flexible arrays or macros.
/// Every function is one kernel operation (bh_spawn apart) and returns >= 0, or a negative errno. None allocates.
#pragma once

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The steps of bh_spawn, for its error message.
enum bh_step {
    BH_STEP_NONE = 0,
    BH_STEP_PIPE,
    BH_STEP_CLONE,
    BH_STEP_JOIN,
    BH_STEP_UNSHARE,
    BH_STEP_DEATH_SIGNAL,
    BH_STEP_SESSION,
    BH_STEP_TERMINAL,
    BH_STEP_DESCRIPTORS,
    BH_STEP_PRIVILEGES,
    BH_STEP_EXEC,
};

struct bh_fd_map {
    int from;
    int to;
};

struct bh_plan {
    /// The program: an open descriptor (O_PATH will do), or -1 for `path`.
    int program_fd;
    const char *path;
    char *const *argv;
    char *const *envp;
    /// Descriptors of the child, and no others: `from` in this process becomes `to` in the child.
    const struct bh_fd_map *fds;
    size_t fd_count;
    /// CLONE_NEW* flags of namespaces to make.
    uint64_t new_namespaces;
    /// CLONE_NEW* flags of namespaces to join, those of the process behind `join_pidfd` (-1: none).
    uint64_t join_namespaces;
    int join_pidfd;
    /// A cgroup v2 directory to be born in, or -1.
    int cgroup_fd;
    /// Sent to the child when the calling *thread* ends, 0 for none.
    int death_signal;
    /// A session of its own; with `terminal` (a descriptor number in the child, or -1) that becomes its terminal.
    int new_session;
    int terminal;
    /// execve grants the child nothing.
    int no_new_privileges;
};

/// Starts `plan`. Blocks until execve has happened or a step has failed.
/// Returns the pid, with a pidfd that the caller owns in `*pidfd`; or a negative errno and the step in `*failed`,
/// and then no child is left.
pid_t bh_spawn(const struct bh_plan *plan, int *pidfd, enum bh_step *failed);

/// How this process, which has one thread, is copied.
struct bh_fork_plan {
    /// CLONE_NEW* flags of namespaces to make, and of those to join, of the process behind `join_pidfd`.
    uint64_t new_namespaces;
    uint64_t join_namespaces;
    int join_pidfd;
    /// Of a process whose namespaces are this one's.
    int home_pidfd;
    /// A cgroup v2 directory to be born in, or -1.
    int cgroup_fd;
    /// What the copy has beside 0, 1 and 2, and as which number.
    int channel;
    int channel_number;
};

/// Makes a copy of this process that is its parent's child, leads a session and dies with that parent's thread.
/// Returns twice: 0 in the copy; in this process the pid, with a pidfd that the caller owns in `*pidfd`, or a negative
/// errno and the step in `*failed`.
pid_t bh_fork(const struct bh_fork_plan *plan, int *pidfd, enum bh_step *failed);

int bh_pipe(int fds[2]);
/// Bytes that can be read, FIONREAD; of a pipe by either end.
int bh_unread(int fd);
/// In the C locale; NULL for a number that is no errno.
const char *bh_errno_text(int code);

int bh_pidfd_open(pid_t pid, unsigned flags);
int bh_pidfd_send_signal(int pidfd, int signal);

enum { BH_EXITED = 1, BH_SIGNALED = 2 };
struct bh_exit {
    pid_t pid;
    int how;
    int status;
};
/// Reaps the process behind `pidfd`. 1: reaped, 0: it still runs (only with `nohang`).
int bh_wait_pidfd(int pidfd, int nohang, struct bh_exit *result);
/// A child that has ended, which is left as it is. 1: there is one, 0: none has ended, -ECHILD: there is no child.
int bh_peek_any(struct bh_exit *result);
/// Reaps that child if it has ended. 1: reaped, 0: it still runs.
int bh_wait_pid(pid_t pid, struct bh_exit *result);

int bh_epoll_create(void);
/// `events` as in EPOLL*; `token` comes back with each event.
int bh_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int bh_epoll_remove(int epoll, int fd);
struct bh_event {
    uint64_t token;
    uint32_t events;
};
int bh_epoll_wait(int epoll, struct bh_event *events, int capacity, int timeout_ms);

int bh_eventfd(void);
int bh_timerfd(void);
/// Arms for an absolute CLOCK_MONOTONIC time; 0 disarms.
int bh_timerfd_set(int fd, uint64_t nanoseconds);
uint64_t bh_monotonic_ns(void);

/// A signalfd of the signals in `mask` (bit n-1 is signal n), which are blocked for the thread from here on.
int bh_signalfd(uint64_t mask);
/// The next signal number that is pending on `fd`; 0: none.
int bh_signalfd_read(int fd);
int bh_block_signals(uint64_t mask);
int bh_unblock_signals(uint64_t mask);
int bh_ignore_signal(int signal);
/// 1 when this process ignores `signal`, as one does that nohup(1) or a script has started in the background.
int bh_signal_is_ignored(int signal);
/// All handlers to default, nothing blocked: what a program that is executed expects.
void bh_reset_signals(void);

/// Sends `count` bytes with up to BH_MAX_FDS descriptors in one message. Returns the bytes sent.
#define BH_MAX_FDS 16
ssize_t bh_send_fds(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count);
/// Receives into `bytes`; descriptors are close-on-exec, `*fd_count` is in and out. A message or control data that
/// was cut short gives -EMSGSIZE, with every descriptor that came closed again.
ssize_t bh_receive_fds(int socket, void *bytes, size_t count, int *fds, size_t *fd_count);
struct bh_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
int bh_peer(int socket, struct bh_peer *peer);
int bh_socketpair(int type, int fds[2]);
int bh_unix_socket(int type);
/// Binds and listens, binds, or connects, by path (108 bytes at most, see unix(7)).
int bh_unix_listen(int fd, const char *path, int backlog);
int bh_unix_bind(int fd, const char *path);
int bh_unix_connect(int fd, const char *path);
/// By a name of the abstract namespace, without its NUL, 107 bytes at most.
int bh_unix_connect_abstract(int fd, const char *name);
int bh_accept(int fd);

struct bh_open_how {
    uint64_t flags, mode, resolve;
};
int bh_openat2(int dirfd, const char *path, const struct bh_open_how *how);
int bh_memfd(const char *name, int allow_sealing);
int bh_seal(int fd);
/// 1 when nobody can write to it or change its size, 0 when somebody can, or it is no file of memory.
int bh_is_sealed(int fd);
/// 1 when both are of one open file, as after dup(2).
int bh_is_same_file(int a, int b);
int bh_rename_new(const char *from, const char *to);
/// The next bytes from `offset` on that are no hole. -ENXIO: there are none.
int bh_next_data(int fd, int64_t offset, int64_t *begin, int64_t *end);

int bh_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
int bh_umount(const char *target, int flags);
int bh_pivot_root(const char *new_root, const char *put_old);
enum bh_entry { BH_NO_DIRECTORY = 0, BH_DIRECTORY, BH_MOUNT_ROOT };
/// What `name` in the open directory is, links not followed: a `bh_entry`, or a negative errno.
int bh_entry_kind(int dirfd, const char *name);
int bh_open_tree(int dirfd, const char *path, unsigned flags);
int bh_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int bh_mount_setattr(int dirfd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation);
int bh_unshare(uint64_t flags);
int bh_setns(int fd, uint64_t flags);
int bh_sync_and_power_off(void);
int bh_finit_module(int fd, const char *parameters);

int bh_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
/// Capability sets as bit masks, capget(2).
int bh_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
int bh_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);
int bh_setgroups(const gid_t *groups, size_t count);
int bh_setresuid(uid_t uid);
int bh_setresgid(gid_t gid);
int bh_close_range(unsigned first, unsigned last, int cloexec);
int bh_prlimit(pid_t pid, int resource, uint64_t soft, uint64_t hard);
/// The scheduling of the calling thread, sched_setattr(2).
struct bh_scheduling {
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};
int bh_set_scheduling(const struct bh_scheduling *scheduling);
/// CPUs of the calling thread, 64 in each of `words` numbers.
int bh_set_affinity(const uint64_t *mask, size_t words);
/// I/O priority of the calling thread, its class in bits 13 to 15.
int bh_set_io_priority(int priority);
int bh_personality(unsigned long domain);
int bh_sethostname(const void *name, size_t length);
int bh_setdomainname(const void *name, size_t length);
int bh_mknodat(int dirfd, const char *path, mode_t mode, unsigned major, unsigned minor);
/// Entries of an open directory as struct linux_dirent64, getdents64(2). Returns the bytes of them; 0 at the end.
ssize_t bh_getdents(int fd, void *entries, size_t count);
/// xattr(7). With a count of 0 the size that is needed.
ssize_t bh_flistxattr(int fd, void *names, size_t count);
ssize_t bh_fgetxattr(int fd, const char *name, void *value, size_t count);
int bh_fsetxattr(int fd, const char *name, const void *value, size_t count);
/// The f_type of statfs(2), without a sign, and the file system's size.
int bh_file_system(int fd, int64_t *magic, int64_t *bytes);
int bh_getrandom(void *bytes, size_t count);
/// RNDADDENTROPY with `count` (<= 512) bytes, then RNDRESEEDCRNG.
int bh_add_entropy(int random_fd, const void *bytes, size_t count);
int bh_adjust_clock(int64_t nanoseconds, int at_once);

/// Loads a program of type BPF_PROG_TYPE_CGROUP_DEVICE, `count` of struct bpf_insn. Returns its descriptor.
int bh_bpf_load_device_program(const uint64_t *instructions, size_t count);
/// Attaches it to an open cgroup v2 directory, with which it stays.
int bh_bpf_attach_device_program(int program, int cgroup);

/// SECCOMP_SET_MODE_FILTER with `count` of struct sock_filter.
int bh_seccomp_filter(uint32_t flags, const void *instructions, size_t count);

/// Brings the loopback interface of this network namespace up.
int bh_loopback_up(void);

int bh_set_window_size(int fd, uint16_t rows, uint16_t columns);
int bh_get_window_size(int fd, uint16_t *rows, uint16_t *columns);
/// Opens the terminal side of `ptmx` (TIOCGPTPEER): right whatever is mounted on /dev/pts here.
int bh_open_terminal(int ptmx);
int bh_unlock_ptmx(int ptmx);
