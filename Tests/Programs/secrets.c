//   secrets          prints what two processes, or two machines, must not have in common: a line each, a word and
//                    hexadecimal digits
//   secrets clock    prints the time in nanoseconds for each line that it reads
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

static void show(const char *name, const void *bytes, size_t count) {
    printf("%s ", name);
    for (size_t i = 0; i < count; i++) printf("%02x", ((const unsigned char *)bytes)[i]);
    putchar('\n');
}

static int tell_time(void) {
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        printf("%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) return tell_time();
    unsigned char bytes[32];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return 1;
    show("getrandom", bytes, sizeof bytes);
    show("at_random", (const void *)getauxval(AT_RANDOM), 16);
    uint64_t canary, guard;
    // Where glibc keeps them on x86-64: tcbhead_t in sysdeps/x86_64/nptl/tls.h.
    __asm__("movq %%fs:0x28, %0" : "=r"(canary));
    __asm__("movq %%fs:0x30, %0" : "=r"(guard));
    show("canary", &canary, sizeof canary);
    show("pointer_guard", &guard, sizeof guard);
    return 0;
}
