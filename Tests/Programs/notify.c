// Speaks to the socket that NOTIFY_SOCKET names, as sd_notify(3) does.
//
//   notify TEXT...         sends each text as a datagram; "\n" in it is the end of a line
//   notify -l COUNT        sends one of so many bytes
//   notify -f COUNT TEXT   sends the text so often, with what is left to send in it for "%d"
//   notify -d TEXT         sends the text with a descriptor, and waits until nobody has that any more
//
// Exits with 0 when all has been sent, else with the number of the error.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int to;

static void need(int holds) {
    if (!holds) exit(errno);
}

static void tell(const char *text) {
    char bytes[4096];
    size_t count = 0;
    for (; *text && count < sizeof bytes; text++) {
        int ends = text[0] == '\\' && text[1] == 'n';
        bytes[count++] = ends ? '\n' : *text;
        text += ends;
    }
    need(send(to, bytes, count, MSG_NOSIGNAL) == (ssize_t)count);
}

static void tell_with_descriptor(char *text) {
    int ends[2];
    need(pipe(ends) == 0);
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {text, strlen(text)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
    need(sendmsg(to, &message, MSG_NOSIGNAL) >= 0);
    close(ends[1]);
    char byte;
    need(read(ends[0], &byte, 1) == 0);
}

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || strlen(path) >= sizeof address.sun_path || argc < 2) return 250;
    strcpy(address.sun_path, path);
    to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(to >= 0 && connect(to, (struct sockaddr *)&address, sizeof address) == 0);
    if (argc == 3 && strcmp(argv[1], "-l") == 0) {
        size_t count = strtoul(argv[2], NULL, 10);
        char *bytes = malloc(count);
        need(bytes != NULL);
        memset(bytes, 'x', count);
        memcpy(bytes, "READY=1\n", count < 8 ? count : 8);
        need(send(to, bytes, count, MSG_NOSIGNAL) == (ssize_t)count);
    } else if (argc == 4 && strcmp(argv[1], "-f") == 0) {
        for (int left = atoi(argv[2]); left > 0; left--) {
            char text[256];
            char *mark = strstr(argv[3], "%d");
            int before = mark ? (int)(mark - argv[3]) : (int)strlen(argv[3]);
            if (mark)
                snprintf(text, sizeof text, "%.*s%d%s", before, argv[3], left, mark + 2);
            else
                snprintf(text, sizeof text, "%s", argv[3]);
            tell(text);
        }
    } else if (argc == 3 && strcmp(argv[1], "-d") == 0) {
        tell_with_descriptor(argv[2]);
    } else {
        for (int i = 1; i < argc; i++) tell(argv[i]);
    }
    return 0;
}
