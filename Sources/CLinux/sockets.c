#include "CLinux.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

ssize_t bh_send_fds(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count) {
    if (fd_count > BH_MAX_FDS) return -EINVAL;
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * BH_MAX_FDS)];
    } control;
    struct iovec part = {(void *)(uintptr_t)bytes, count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    for (;;) {
        ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (n >= 0) return n;
        if (errno != EINTR) return -errno;
    }
}

ssize_t bh_receive_fds(int socket, void *bytes, size_t count, int *fds, size_t *fd_count) {
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * BH_MAX_FDS)];
    } control;
    struct iovec part = {bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control};
    size_t capacity = *fd_count, got = 0;
    *fd_count = 0;
    ssize_t n;
    do n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0) return -errno;
    int cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            if (got < capacity) fds[got++] = fd;
            else {
                close(fd);
                cut = 1;
            }
        }
    }
    if (cut) {
        for (size_t i = 0; i < got; i++) close(fds[i]);
        return -EMSGSIZE;
    }
    *fd_count = got;
    return n;
}

int bh_peer(int socket, struct bh_peer *peer) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
    peer->pid = credentials.pid;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    return 0;
}

int bh_socketpair(int type, int fds[2]) {
    return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

int bh_unix_socket(int type) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static int fill(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

int bh_unix_listen(int fd, const char *path, int backlog) {
    struct sockaddr_un address;
    int code = fill(&address, path);
    if (code < 0) return code;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return -errno;
    return listen(fd, backlog) < 0 ? -errno : 0;
}

int bh_unix_bind(int fd, const char *path) {
    struct sockaddr_un address;
    int code = fill(&address, path);
    if (code < 0) return code;
    return bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

static int connect_to(int fd, const struct sockaddr_un *address, socklen_t length) {
    for (;;) {
        if (connect(fd, (const struct sockaddr *)address, length) == 0) return 0;
        if (errno != EINTR) return -errno;
    }
}

int bh_unix_connect(int fd, const char *path) {
    struct sockaddr_un address;
    int code = fill(&address, path);
    return code < 0 ? code : connect_to(fd, &address, sizeof address);
}

int bh_unix_connect_abstract(int fd, const char *name) {
    struct sockaddr_un address;
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof address.sun_path) return -ENAMETOOLONG;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    // After the NUL that says what it is; the length is part of the name.
    memcpy(address.sun_path + 1, name, length);
    return connect_to(fd, &address, offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

int bh_accept(int fd) {
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return connection < 0 ? -errno : connection;
}
