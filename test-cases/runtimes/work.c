// What ordinary programs do, on musl: see README.md. Prints "done", or ends with code 7 if its input says "exit".
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

extern char **environ;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int count;
static __thread int own;
static volatile sig_atomic_t alarms;

static void check(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void *add(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        count++;
        own++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        free(malloc(100 + i));
    }
    sem_post(argument);
    return (void *)(intptr_t)own;
}

static void *sleeps(void *unused)
{
    (void)unused;
    sleep(100);
    return NULL;
}

static void threads(void)
{
    pthread_t each[8];
    sem_t ended;
    void *result;
    check(sem_init(&ended, 0, 0) == 0, "semaphore");
    for (int i = 0; i < 8; i++)
        check(pthread_create(&each[i], NULL, add, &ended) == 0, "thread");
    pthread_mutex_lock(&lock);
    while (count < 8000)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 8; i++) {
        sem_wait(&ended);
        check(pthread_join(each[i], &result) == 0 && (intptr_t)result == 1000, "join");
    }
    pthread_t other;
    check(pthread_create(&other, NULL, sleeps, NULL) == 0, "thread");
    check(pthread_cancel(other) == 0 && pthread_join(other, &result) == 0 && result == PTHREAD_CANCELED, "cancel");
}

static void text(void)
{
    char said[200];
    snprintf(said, sizeof said, "%5d|%-5s|%.17g|%a|%Lg|%" PRIu64, 42, "ab", 0.1, 1.0, 2.5L, UINT64_MAX);
    check(strcmp(said, "   42|ab   |0.10000000000000001|0x1p+0|2.5|18446744073709551615") == 0, said);
    double number;
    check(sscanf("3.5e2", "%lf", &number) == 1 && number == 350 && fabs(sqrt(2) - 1.41421356) < 1e-6, "numbers");
    check(setlocale(LC_ALL, "") != NULL, "locale");
    wchar_t wide[8];
    check(mbstowcs(wide, "Größe", 8) == 5, "characters");
    time_t now = 0;
    check(strftime(said, sizeof said, "%Y-%m-%d", gmtime(&now)) == 10 && strcmp(said, "1970-01-01") == 0, "dates");
}

static int compare(const void *one, const void *other)
{
    return *(const int *)one - *(const int *)other;
}

static void memory(void)
{
    int *numbers = malloc(1000000 * sizeof *numbers);
    for (int i = 0; i < 1000000; i++)
        numbers[i] = (i * 7919LL) % 1000003;
    qsort(numbers, 1000000, sizeof *numbers, compare);
    check(numbers[0] == 0, "sorted");
    numbers = realloc(numbers, 4000000 * sizeof *numbers);
    check(numbers != NULL, "realloc");
    free(numbers);
    char *mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(mapped != MAP_FAILED && mprotect(mapped, 1 << 20, PROT_READ) == 0 && munmap(mapped, 1 << 20) == 0, "mmap");
}

static void files(void)
{
    check(mkdir("folder", 0700) == 0, "mkdir");
    FILE *file = fopen("folder/a", "w+");
    check(file != NULL && fprintf(file, "line %d\n", 1) == 7 && fflush(file) == 0, "write");
    rewind(file);
    char line[20];
    check(fgets(line, sizeof line, file) != NULL && strcmp(line, "line 1\n") == 0 && fclose(file) == 0, "read");
    check(rename("folder/a", "folder/b") == 0 && truncate("folder/b", 3) == 0, "rename");
    struct stat seen;
    check(stat("folder/b", &seen) == 0 && seen.st_size == 3, "stat");
    DIR *folder = opendir("folder");
    int entries = 0;
    while (readdir(folder) != NULL)
        entries++;
    check(entries == 3 && closedir(folder) == 0, "entries");
    check(unlink("folder/b") == 0 && rmdir("folder") == 0, "remove");
    char name[] = "temporaryXXXXXX";
    int temporary = mkstemp(name);
    check(temporary >= 0 && close(temporary) == 0 && unlink(name) == 0, "temporary file");
}

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void processes(void)
{
    int ends[2], status;
    check(pipe(ends) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        check(write(ends[1], "c", 1) == 1, "write");
        _exit(3);
    }
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    check(poll(&ready, 1, 5000) == 1, "poll");
    check(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3, "wait");
    char *arguments[] = {"true", NULL};
    check(posix_spawn(&child, "/usr/bin/true", NULL, NULL, arguments, environ) == 0, "spawn");
    check(waitpid(child, &status, 0) == child && status == 0, "spawned");
    check(system("exit 4") == 4 << 8, "system");
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_value = {.tv_usec = 20000}};
    check(setitimer(ITIMER_REAL, &timer, NULL) == 0, "timer");
    while (alarms == 0)
        pause();
    sigjmp_buf back;
    if (sigsetjmp(back, 1) == 0)
        siglongjmp(back, 1);
    struct timespec moment, nap = {.tv_nsec = 1000000};
    struct rusage usage;
    struct rlimit limit;
    check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &moment) == 0 && nanosleep(&nap, NULL) == 0, "clocks");
    check(getrusage(RUSAGE_SELF, &usage) == 0 && getrlimit(RLIMIT_STACK, &limit) == 0, "usage");
    char random[16];
    check(getrandom(random, sizeof random, 0) == sizeof random, "random");
}

int main(void)
{
    char asked[10] = "";
    if (scanf("%9s", asked) == 1 && strcmp(asked, "exit") == 0)
        return 7;
    text();
    memory();
    files();
    threads();
    processes();
    puts("done");
    return 0;
}
