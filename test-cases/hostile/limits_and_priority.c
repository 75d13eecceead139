/*
 * Attacks: limits and scheduling. Lifts its own and its parent's limits, asks for real-time scheduling and a better
 * priority, and pushes a character into its terminal.
 * Success: one of the calls worked. As root without protection most do.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

int main(void) {
    int escaped = 0;
    static const struct { const char *name; int resource; } kinds[] = {
        {"CPU", RLIMIT_CPU}, {"FSIZE", RLIMIT_FSIZE}, {"NPROC", RLIMIT_NPROC}, {"NOFILE", RLIMIT_NOFILE},
        {"CORE", RLIMIT_CORE}, {"MEMLOCK", RLIMIT_MEMLOCK},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rlimit before, more;
        if (getrlimit(kinds[i].resource, &before) != 0 || before.rlim_max == RLIM_INFINITY) continue;
        more = before;
        more.rlim_max = before.rlim_max + 1;
        if (setrlimit(kinds[i].resource, &more) == 0) {
            printf("ESCAPED: raised its hard limit %s\n", kinds[i].name);
            escaped = 1;
        }
    }
    struct rlimit same;
    if (getppid() > 1 && prlimit(getppid(), RLIMIT_NOFILE, NULL, &same) == 0 &&
        prlimit(getppid(), RLIMIT_NOFILE, &same, NULL) == 0) {
        puts("ESCAPED: may set its parent's limits");
        escaped = 1;
    }
    struct sched_param fifo = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &fifo) == 0) {
        puts("ESCAPED: real-time scheduling");
        escaped = 1;
        struct sched_param other = {0};
        sched_setscheduler(0, SCHED_OTHER, &other);
    }
    if (setpriority(PRIO_PROCESS, 0, -5) == 0) {
        puts("ESCAPED: better priority");
        escaped = 1;
    }
    for (int fd = 0; fd < 3; fd++) {
        if (ioctl(fd, TIOCSTI, " ") == 0) {
            puts("ESCAPED: typed into the terminal");
            escaped = 1;
        }
    }
    if (!escaped) puts("contained");
    return 0;
}
