/*
 * Attacks: the choice of whom the kernel kills when memory runs out. Memory is held in memfd files, so that the process
 * itself stays the smallest around, and it makes itself as unlikely a victim as it may: others are killed in its place.
 * Needs a limit below 768 MiB.
 * Success: 768 MiB are held. In a cell also: the verdict is something else than memory_limit.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char block[1 << 20];

int main(void) {
    int knob = open("/proc/self/oom_score_adj", O_WRONLY);
    if (knob >= 0) {
        /* One after the other: those that are refused change nothing. */
        (void)!write(knob, "0", 1);
        (void)!write(knob, "-1000", 5);
    }
    memset(block, 1, sizeof block);
    int held = 0;
    for (int file = 0; file < 48; file++) {
        int fd = memfd_create("m", 0);
        if (fd < 0) break;
        for (int i = 0; i < 16 && write(fd, block, sizeof block) == sizeof block; i++) held++;
    }
    puts(held >= 768 ? "ESCAPED: a small process holds 768 MiB" : "contained");
    return 0;
}
