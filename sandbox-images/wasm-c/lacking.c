// Functions that the C library has in name only: it would report a failure, which a solution that does not ask would
// take for a success and go on to a wrong answer. Here the run ends and says why; the runner knows the words.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void lacks(const char *what) {
    static const char words[] = "\nproofbox: WebAssembly lacks ";
    write(2, words, sizeof words - 1);
    write(2, what, strlen(what));
    write(2, "\n", 1);
    _Exit(1);
}

int pthread_create(void *thread, const void *attributes, void *(*start)(void *), void *argument) {
    lacks("threads");
}

int thrd_create(void *thread, int (*start)(void *), void *argument) {
    lacks("threads");
}
