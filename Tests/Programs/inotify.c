// Says what happens in a directory: inotify DIRECTORY. A line "watching", and then one for each event, as long as it runs: busybox
// has no inotifyd in Debian.
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(int count, char **arguments) {
    _Alignas(struct inotify_event) char buffer[65536];
    int inotify = inotify_init1(IN_CLOEXEC);
    unsigned events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
    if (count != 2 || inotify < 0 || inotify_add_watch(inotify, arguments[1], events) < 0) {
        perror("inotify");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("watching");
    ssize_t length;
    while ((length = read(inotify, buffer, sizeof buffer)) > 0) {
        for (char *next = buffer; next < buffer + length;) {
            struct inotify_event *event = (struct inotify_event *)next;
            const char *what = event->mask & IN_CREATE ? "create" : event->mask & IN_DELETE ? "delete"
                : event->mask & IN_MOVED_TO ? "moved-to" : event->mask & IN_MOVED_FROM ? "moved-from" : "other";
            printf("%s %s\n", what, event->len > 0 ? event->name : "");
            next += sizeof *event + event->len;
        }
    }
    perror("inotify");
    return 1;
}
