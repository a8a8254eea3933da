/* A library that QEMU is started with, so that its 9p server makes FIFOs and Unix sockets and changes their modes.
 *
 * Since CVE-2023-2861 the server refuses whatever it has opened that is neither a regular file nor a directory. From 7.2.4
 * up to the release that has "9pfs: fix regression regarding CVE-2023-2861" it does so with O_PATH descriptors as well,
 * with which nothing can be read or written, and through which it changes modes: mknod(2), bind(2) and chmod(2) in the
 * guest fail with ENXIO. Here such a descriptor is said to be a regular file's; every other one is what it is, so that
 * no special file is ever opened for more. With a QEMU that has been mended nothing changes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int fstat64(int fd, struct stat64 *status) {
    int result = (int)syscall(SYS_fstat, fd, status);
    if (result != 0 || S_ISREG(status->st_mode) || S_ISDIR(status->st_mode) || S_ISLNK(status->st_mode)) return result;
    int flags = fcntl(fd, F_GETFL);
    if (flags != -1 && flags & O_PATH) status->st_mode = (status->st_mode & ~(mode_t)S_IFMT) | S_IFREG;
    return 0;
}
