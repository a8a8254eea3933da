// Stands in for a container engine: makes a container by an OCI runtime's command line, as its subreaper, and waits for the
// process whose number the runtime has written down. Its standard streams are the container's.
//
//   engine PIDFILE RUNTIME ARGUMENT...
//
// Exits as the runtime does when that fails, else as the container has ended.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 250;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv) {
    if (argc < 3 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return 251;
    pid_t runtime = fork();
    if (runtime < 0) return 252;
    if (runtime == 0) {
        execv(argv[2], argv + 2);
        _exit(253);
    }
    int code = wait_for(runtime);
    if (code != 0) return code;
    // What is left open here would keep the container's readers waiting.
    for (int fd = 0; fd < 3; fd++) close(fd);
    FILE *file = fopen(argv[1], "r");
    int pid = 0;
    if (!file || fscanf(file, "%d", &pid) != 1) return 254;
    fclose(file);
    return wait_for(pid);
}
