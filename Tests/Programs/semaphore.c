// What tests run in containers, since busybox makes no System V semaphores.
//   semaphore make KEY VALUE   makes one and gives it the value
//   semaphore show KEY         prints its value; fails when there is none
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    key_t key = (key_t)strtol(argv[2], NULL, 0);
    if (strcmp(argv[1], "make") == 0) {
        int id = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
        if (id < 0 || argc < 4 || semctl(id, 0, SETVAL, atoi(argv[3])) < 0) {
            perror("semaphore");
            return 1;
        }
        return 0;
    }
    int id = semget(key, 1, 0);
    if (id < 0) {
        perror("semaphore");
        return 1;
    }
    printf("%d\n", semctl(id, 0, GETVAL));
    return 0;
}
