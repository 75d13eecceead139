/*
 * Attacks: the memory limit, by the stack. Needs a limit below 768 MiB.
 * Success: 768 MiB of stack are in use at once.
 * Unprotected: run with an unlimited stack (ulimit -s unlimited), as contest programs are.
 */
#include <stdio.h>

enum { FRAME = 64 * 1024, DEPTH = 12 * 1024 };

static volatile char sink;

static int descend(int left) {
    volatile char frame[FRAME];
    for (int i = 0; i < FRAME; i += 4096) frame[i] = (char)left;
    sink = frame[left % FRAME];
    int deeper = left > 0 ? descend(left - 1) : 0;
    return deeper + frame[0];
}

int main(void) {
    int sum = descend(DEPTH);
    printf("ESCAPED: 768 MiB of stack (%d)\n", sum & 1);
    return 0;
}
