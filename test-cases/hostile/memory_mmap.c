/*
 * Attacks: the memory limit, by private and by shared anonymous mappings and by System V shared memory.
 * Needs a limit below 768 MiB.
 * Success: 768 MiB are mapped and written in one of the ways. Prints "contained" when all three are refused.
 * Usage: memory_mmap [private|shared|sysv]; without an argument all three in turn.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

enum { MIB = 1 << 20, COUNT = 768 };

static int fill(char *memory) {
    if (memory == MAP_FAILED) return 0;
    for (size_t i = 0; i < (size_t)COUNT * MIB; i += 4096) memory[i] = 1;
    return 1;
}

static int by_mmap(int flags) {
    char *memory = mmap(NULL, (size_t)COUNT * MIB, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    int held = fill(memory);
    if (held) munmap(memory, (size_t)COUNT * MIB);
    return held;
}

static int by_sysv(void) {
    int id = shmget(IPC_PRIVATE, (size_t)COUNT * MIB, IPC_CREAT | 0600);
    if (id < 0) return 0;
    char *memory = shmat(id, NULL, 0);
    shmctl(id, IPC_RMID, NULL); /* goes with the last process that holds it */
    return memory != (void *)-1 && fill(memory);
}

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "";
    int escaped = 0;
    if (!*way || !strcmp(way, "private")) if (by_mmap(MAP_PRIVATE)) escaped = 1, puts("ESCAPED: private mapping");
    if (!*way || !strcmp(way, "shared")) if (by_mmap(MAP_SHARED)) escaped = 1, puts("ESCAPED: shared mapping");
    if (!*way || !strcmp(way, "sysv")) if (by_sysv()) escaped = 1, puts("ESCAPED: System V shared memory");
    if (!escaped) puts("contained");
    return 0;
}
