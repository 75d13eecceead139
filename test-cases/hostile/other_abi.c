/*
 * Attacks: a system call filter that looks at numbers only. Calls getpid by the 32-bit gate and by the x32 numbers, under
 * which the same number means another call. x86-64 only.
 * Success: one of them returns this process's number.
 * Unprotected: works where the kernel was built with 32-bit emulation (most are) or x32 (few are).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int gate32(void) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return result == getpid();
}

static int x32(void) { return syscall(0x40000000L | SYS_getpid) == getpid(); }

int main(void) {
    struct { const char *name; int (*attempt)(void); } all[] = {{"32-bit gate", gate32}, {"x32 numbers", x32}};
    int escaped = 0;
    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid < 0) continue;
        if (pid == 0) _exit(all[i].attempt() ? 7 : 0);
        int status;
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 7) {
            printf("ESCAPED: %s\n", all[i].name);
            escaped = 1;
        }
    }
    if (!escaped) puts("contained");
    return 0;
}
