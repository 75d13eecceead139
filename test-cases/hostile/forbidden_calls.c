/*
 * Attacks: the system call filter. Calls what no solution needs and kernels have had holes in.
 * Success: a call is let through to the kernel, shown by a result or by an error that only the call's own code gives.
 * EPERM and ENOSYS count as refused, and so does death by SIGSYS: each call is tried in a child. As an ordinary user the
 * kernel itself answers EPERM to some of these, so an unprotected run shows fewer than as root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int refused(long result) { return result < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES); }

static const struct { const char *name; long number; long args[6]; } calls[] = {
    /* Arguments are chosen so that a call that is let through changes nothing: bad pointers, sizes of zero. */
    {"io_uring_setup", SYS_io_uring_setup, {0, 0}},
    {"bpf", SYS_bpf, {0, 0, 0}},
    {"perf_event_open", SYS_perf_event_open, {0, 0, -1, -1, 0}},
    {"keyctl", SYS_keyctl, {0, -3, 0}},
    {"add_key", SYS_add_key, {0, 0, 0, 0, -3}},
    {"request_key", SYS_request_key, {0, 0, 0, -3}},
    {"userfaultfd", SYS_userfaultfd, {0}},
    {"ptrace", SYS_ptrace, {0, 0, 0, 0}},
    {"process_vm_readv", SYS_process_vm_readv, {1, 0, 0, 0, 0, 0}},
    {"process_vm_writev", SYS_process_vm_writev, {1, 0, 0, 0, 0, 0}},
    {"kcmp", SYS_kcmp, {1, 1, 0, 0, 0}},
    {"init_module", SYS_init_module, {0, 0, 0}},
    {"finit_module", SYS_finit_module, {-1, 0, 0}},
    {"kexec_load", SYS_kexec_load, {0, 100, 0, 0}},
    {"umount2", SYS_umount2, {0, 0}},
    {"mount_setattr", SYS_mount_setattr, {-1, 0, 0, 0, 0}},
    {"move_mount", SYS_move_mount, {-1, 0, -1, 0, 0}},
    {"swapon", SYS_swapon, {0, 0}},
    {"reboot", SYS_reboot, {0, 0, 0, 0}},
    {"quotactl", SYS_quotactl, {0, 0, 0, 0}},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1, 0, 0}},
    {"fanotify_init", SYS_fanotify_init, {0, 0}},
    {"lookup_dcookie", SYS_lookup_dcookie, {0, 0, 0}},
    {"acct", SYS_acct, {1}},
    {"pidfd_getfd", SYS_pidfd_getfd, {-1, 0, 0}},
    {"personality READ_IMPLIES_EXEC", SYS_personality, {0x0400000}},
    {"memfd_secret", 447, {0}},
    {"modify_ldt", SYS_modify_ldt, {0, 0, 0}},
    {"iopl", SYS_iopl, {0}},
    {"move_pages", SYS_move_pages, {1, 0, 0, 0, 0, 0}},
    {"migrate_pages", SYS_migrate_pages, {1, 0, 0, 0}},
};

int main(void) {
    int escaped = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid < 0) continue;
        if (pid == 0) {
            const long *a = calls[i].args;
            errno = 0;
            _exit(refused(syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5])) ? 0 : 7);
        }
        int status;
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 7) {
            printf("ESCAPED: %s\n", calls[i].name);
            escaped = 1;
        }
    }
    if (!escaped) puts("contained");
    return 0;
}
