// Runs a program as root of a user namespace of its own, as rootless engines do: namespace FIRST COUNT PROGRAM ARGUMENT...
// The namespace has COUNT ids, which are FIRST and those after it outside. Needs the host's root.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(125);
}

static void map(pid_t child, const char *name, const char *first, const char *count) {
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%d/%s", child, name);
    int length = snprintf(text, sizeof text, "0 %s %s", first, count), file = open(path, O_WRONLY);
    if (file < 0 || write(file, text, (size_t)length) != length) fail(path);
    close(file);
}

int main(int count, char **arguments) {
    int made[2], mapped[2];
    char byte = 0;
    if (count < 4 || pipe2(made, O_CLOEXEC) || pipe2(mapped, O_CLOEXEC)) fail("namespace");
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        close(mapped[1]);
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) fail("unshare");
        if (write(made[1], &byte, 1) != 1 || read(mapped[0], &byte, 1) != 1) fail("map");
        if (setgid(0) || setuid(0)) fail("setuid");
        execv(arguments[3], arguments + 3);
        fail(arguments[3]);
    }
    close(made[1]);
    if (read(made[0], &byte, 1) == 1) {
        map(child, "uid_map", arguments[1], arguments[2]);
        map(child, "gid_map", arguments[1], arguments[2]);
        if (write(mapped[1], &byte, 1) != 1) fail("map");
    }
    int status;
    if (waitpid(child, &status, 0) != child) fail("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
