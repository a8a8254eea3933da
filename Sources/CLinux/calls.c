#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/random.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define RESULT(call)                          \
    do {                                      \
        long result_ = (long)(call);          \
        return result_ < 0 ? -errno : (int)result_; \
    } while (0)

int bh_openat2(int dirfd, const char *path, const struct bh_open_how *how) {
    RESULT(syscall(SYS_openat2, dirfd, path, how, sizeof *how));
}
int bh_memfd(const char *name, int allow_sealing) {
    RESULT(memfd_create(name, MFD_CLOEXEC | (allow_sealing ? MFD_ALLOW_SEALING : 0)));
}
int bh_seal(int fd) { RESULT(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)); }

int bh_is_same_file(int a, int b) {
    return syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b) == 0;
}
int bh_is_sealed(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);
    int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    return seals >= 0 && (seals & all) == all;
}

int bh_next_data(int fd, int64_t offset, int64_t *begin, int64_t *end) {
    *begin = lseek(fd, offset, SEEK_DATA);
    if (*begin < 0) return -errno;
    *end = lseek(fd, *begin, SEEK_HOLE);
    return *end < 0 ? -errno : 0;
}

int bh_rename_new(const char *from, const char *to) { RESULT(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)); }

int bh_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    RESULT(mount(source, target, type, flags, data));
}
int bh_umount(const char *target, int flags) { RESULT(umount2(target, flags)); }
int bh_pivot_root(const char *new_root, const char *put_old) { RESULT(syscall(SYS_pivot_root, new_root, put_old)); }
int bh_open_tree(int dirfd, const char *path, unsigned flags) { RESULT(syscall(SYS_open_tree, dirfd, path, flags)); }
int bh_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
    RESULT(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}
int bh_mount_setattr(int dirfd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation) {
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    RESULT(syscall(SYS_mount_setattr, dirfd, path, flags, &attributes, sizeof attributes));
}
int bh_entry_kind(int dirfd, const char *name) {
    struct statx entry;
    if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &entry) < 0) return -errno;
    if (entry.stx_attributes & STATX_ATTR_MOUNT_ROOT) return BH_MOUNT_ROOT;
    return S_ISDIR(entry.stx_mode) ? BH_DIRECTORY : BH_NO_DIRECTORY;
}
int bh_unshare(uint64_t flags) { RESULT(unshare((int)flags)); }
int bh_setns(int fd, uint64_t flags) { RESULT(syscall(SYS_setns, fd, (int)flags)); }
int bh_sync_and_power_off(void) {
    sync();
    RESULT(reboot(RB_POWER_OFF));
}
int bh_finit_module(int fd, const char *parameters) { RESULT(syscall(SYS_finit_module, fd, parameters, 0)); }

int bh_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    RESULT(prctl(option, a, b, c, d));
}

int bh_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    RESULT(syscall(SYS_capset, &header, data));
}
int bh_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -errno;
    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    *inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}
// The raw calls: libc's set the ids of all threads through signals, and our processes that change ids have one thread.
int bh_setgroups(const gid_t *groups, size_t count) { RESULT(syscall(SYS_setgroups, count, groups)); }
int bh_setresuid(uid_t uid) { RESULT(syscall(SYS_setresuid, uid, uid, uid)); }
int bh_setresgid(gid_t gid) { RESULT(syscall(SYS_setresgid, gid, gid, gid)); }

int bh_close_range(unsigned first, unsigned last, int cloexec) {
    RESULT(syscall(SYS_close_range, first, last, cloexec ? CLOSE_RANGE_CLOEXEC : 0));
}
int bh_prlimit(pid_t pid, int resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {(rlim_t)soft, (rlim_t)hard};
    RESULT(prlimit(pid, (enum __rlimit_resource)resource, &limit, NULL));
}
int bh_set_scheduling(const struct bh_scheduling *scheduling) {
    struct {  // struct sched_attr in its first version, which not every libc declares
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {
        sizeof attributes,    scheduling->policy,  scheduling->flags,    scheduling->nice,
        scheduling->priority, scheduling->runtime, scheduling->deadline, scheduling->period,
    };
    RESULT(syscall(SYS_sched_setattr, 0, &attributes, 0));
}
int bh_set_affinity(const uint64_t *mask, size_t words) {
    RESULT(syscall(SYS_sched_setaffinity, 0, words * sizeof *mask, mask));
}
int bh_set_io_priority(int priority) { RESULT(syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, priority)); }
int bh_personality(unsigned long domain) { RESULT(personality(domain)); }
int bh_sethostname(const void *name, size_t length) { RESULT(sethostname(name, length)); }
int bh_setdomainname(const void *name, size_t length) { RESULT(setdomainname(name, length)); }
int bh_mknodat(int dirfd, const char *path, mode_t mode, unsigned major, unsigned minor) {
    RESULT(mknodat(dirfd, path, mode, makedev(major, minor)));
}
ssize_t bh_getdents(int fd, void *entries, size_t count) {
    long result = syscall(SYS_getdents64, fd, entries, count);
    return result < 0 ? -errno : result;
}
ssize_t bh_flistxattr(int fd, void *names, size_t count) {
    ssize_t result = flistxattr(fd, names, count);
    return result < 0 ? -errno : result;
}
ssize_t bh_fgetxattr(int fd, const char *name, void *value, size_t count) {
    ssize_t result = fgetxattr(fd, name, value, count);
    return result < 0 ? -errno : result;
}
int bh_fsetxattr(int fd, const char *name, const void *value, size_t count) {
    RESULT(fsetxattr(fd, name, value, count, 0));
}
int bh_file_system(int fd, int64_t *magic, int64_t *bytes) {
    struct statfs status;
    if (fstatfs(fd, &status) < 0) return -errno;
    *magic = (int64_t)status.f_type;
    if (__builtin_mul_overflow((int64_t)status.f_blocks, (int64_t)status.f_bsize, bytes)) *bytes = INT64_MAX;
    return 0;
}
int bh_pipe(int fds[2]) { RESULT(pipe2(fds, O_CLOEXEC)); }
const char *bh_errno_text(int code) { return strerrordesc_np(code); }

int bh_getrandom(void *bytes, size_t count) { RESULT(getrandom(bytes, count, 0)); }
int bh_add_entropy(int random_fd, const void *bytes, size_t count) {
    struct {  // struct rand_pool_info, with its flexible array given a size
        int entropy_count;
        int buf_size;
        char bytes[512];
    } pool;
    if (count > sizeof pool.bytes) return -EINVAL;
    pool.entropy_count = (int)count * 8;
    pool.buf_size = (int)count;
    memcpy(pool.bytes, bytes, count);
    if (ioctl(random_fd, RNDADDENTROPY, &pool) < 0) return -errno;
    RESULT(ioctl(random_fd, RNDRESEEDCRNG, 0));
}
int bh_adjust_clock(int64_t nanoseconds, int at_once) {
    enum { BILLION = 1000000000 };
    if (!at_once) {
        int64_t micros = nanoseconds / 1000;
        struct timeval slew = {micros / 1000000, micros % 1000000};
        RESULT(adjtime(&slew, NULL));
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t nsec = now.tv_nsec + nanoseconds % BILLION;
    int64_t sec = now.tv_sec + nanoseconds / BILLION + (nsec >= BILLION) - (nsec < 0);
    struct timespec time = {(time_t)sec, (long)((nsec + BILLION) % BILLION)};
    RESULT(clock_settime(CLOCK_REALTIME, &time));
}

int bh_loopback_up(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct ifreq request = {.ifr_name = "lo"};
    int code = ioctl(fd, SIOCGIFFLAGS, &request) < 0 ? -errno : 0;
    if (code == 0) {
        request.ifr_flags |= IFF_UP;
        if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) code = -errno;
    }
    close(fd);
    return code;
}

int bh_set_window_size(int fd, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    RESULT(ioctl(fd, TIOCSWINSZ, &size));
}
int bh_get_window_size(int fd, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}
int bh_open_terminal(int ptmx) { RESULT(ioctl(ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)); }
int bh_unlock_ptmx(int ptmx) {
    int unlocked = 0;
    RESULT(ioctl(ptmx, TIOCSPTLCK, &unlocked));
}

int bh_unread(int fd) {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) < 0 ? -errno : count;
}
