// The first process of a pod, which holds what its containers share, and of a container that asks for an init.
//
//   pause                  waits for SIGTERM or SIGINT, and reaps whatever the kernel gives it
//   init PROGRAM NAME …    runs the program as its child, with NAME and what follows as arguments; passes signals on,
//                          reaps, and ends as the child does
//
// No libc, which would be ten times as large: every pod has one of these in its memory.

#include <linux/signal.h>
#include <linux/wait.h>
#include <sys/syscall.h>

#if !defined(__x86_64__)
#error "the system calls here are x86-64's"
#endif

typedef unsigned long word;

enum { SIGNAL_SET_BYTES = 8, INTERRUPTED = -4, NO_ENTRY = -2, TERMINAL_SET_GROUP = 0x5410 };

static long call(long number, word a, word b, word c, word d) {
    long result;
    register word r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static void __attribute__((noreturn)) leave(int code) {
    for (;;) call(SYS_exit_group, (word)code, 0, 0, 0);
}

static void tell(const char *text) {
    word length = 0;
    while (text[length]) length++;
    call(SYS_write, 2, (word)text, length, 0);
}

static const word all_signals = ~0ul, no_signals = 0;

/// A process group of its own, in the foreground of the terminal when there is one: keys mean the program, not us.
static long start(char **argv, char **envp) {
    long pid = call(SYS_fork, 0, 0, 0, 0);
    if (pid != 0) return pid;
    int group = (int)call(SYS_getpid, 0, 0, 0, 0);
    call(SYS_setpgid, 0, 0, 0, 0);
    call(SYS_ioctl, 0, TERMINAL_SET_GROUP, (word)&group, 0);
    call(SYS_rt_sigprocmask, SIG_SETMASK, (word)&no_signals, 0, SIGNAL_SET_BYTES);
    long error = call(SYS_execve, (word)argv[0], (word)(argv + 1), (word)envp, 0);
    tell("init: cannot execute ");
    tell(argv[0]);
    tell("\n");
    leave(error == NO_ENTRY ? 127 : 126);
}

static int code_of(int status) {
    int signal = status & 0x7f;
    return signal ? 128 + signal : (status >> 8) & 0xff;
}

/// Takes in every process that has ended. Ends with the child, if there is one.
static void reap(long child) {
    for (;;) {
        int status = 0;
        long pid = call(SYS_wait4, (word)-1, (word)&status, WNOHANG, 0);
        if (pid == INTERRUPTED) continue;
        if (pid <= 0) return;
        if (pid == child) leave(code_of(status));
    }
}

static void __attribute__((noreturn)) run(int argc, char **argv, char **envp) {
    call(SYS_rt_sigprocmask, SIG_SETMASK, (word)&all_signals, 0, SIGNAL_SET_BYTES);
    long child = 0;
    if (argc > 2) {
        child = start(argv + 1, envp);
        if (child < 0) {
            tell("init: cannot make a process\n");
            leave(126);
        }
    }
    for (;;) {
        long signal = call(SYS_rt_sigtimedwait, (word)&all_signals, 0, 0, SIGNAL_SET_BYTES);
        if (signal == SIGCHLD) {
            reap(child);
        } else if (signal > 0 && child) {
            // A signal of the terminal has come to the program by itself.
            call(SYS_kill, (word)child, (word)signal, 0, 0);
        } else if (signal == SIGTERM || signal == SIGINT) {
            leave(0);
        }
    }
}

void __attribute__((noreturn)) begin(word *stack) {
    int argc = (int)stack[0];
    char **argv = (char **)(stack + 1);
    run(argc, argv, argv + argc + 1);
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    xor %ebp, %ebp\n"
    "    mov %rsp, %rdi\n"
    "    and $-16, %rsp\n"
    "    call begin\n");
