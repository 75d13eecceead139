/*
 * Attacks: the walls of the cell itself: new namespaces, mounts, another root, setns, handles to files.
 * Success: one of the calls worked. Each is tried in a child of its own, in a mount namespace where it gets one, so
 * that nothing outside changes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int try_user(void) { return unshare(CLONE_NEWUSER) == 0; }
static int try_mount_ns(void) { return unshare(CLONE_NEWNS) == 0; }
static int try_pid_ns(void) { return unshare(CLONE_NEWPID) == 0; }
static int try_net_ns(void) { return unshare(CLONE_NEWNET) == 0; }
static int try_user_then_mount(void) {
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && mount("none", "/tmp", "tmpfs", 0, "") == 0;
}
static int try_clone(void) {
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid((pid_t)pid, NULL, 0);
    return pid > 0;
}
static int try_clone3(void) {
    uint64_t args[11] = {0};
    args[0] = CLONE_NEWUSER;
    args[4] = SIGCHLD;
    long pid = syscall(SYS_clone3, args, sizeof args);
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid((pid_t)pid, NULL, 0);
    return pid > 0;
}
static int try_mount(void) {
    /* Without a mount namespace of its own a mount would stay behind: then only the permission is asked. */
    if (unshare(CLONE_NEWNS) != 0) return 0;
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("none", "/tmp", "tmpfs", 0, "") == 0;
}
static int try_remount(void) {
    if (unshare(CLONE_NEWNS) != 0) return 0;
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) == 0;
}
static int try_fsopen(void) { return syscall(SYS_fsopen, "tmpfs", 0) >= 0; }
static int try_open_tree(void) { return syscall(SYS_open_tree, AT_FDCWD, "/", 1) >= 0; }
static int try_chroot(void) { return chroot("/tmp") == 0; }
static int try_setns(void) {
    int fd = open("/proc/1/ns/mnt", O_RDONLY);
    return fd >= 0 && setns(fd, 0) == 0;
}
static int try_handle(void) {
    struct { struct file_handle head; unsigned char bytes[128]; } h;
    int id;
    h.head.handle_bytes = 128;
    if (name_to_handle_at(AT_FDCWD, "/", &h.head, &id, 0) != 0) return 0;
    int at = open("/", O_RDONLY | O_DIRECTORY);
    return open_by_handle_at(at, &h.head, O_RDONLY) >= 0;
}
static int try_device(void) { return mknod("device", 0060600, 0x0800) == 0 && unlink("device") == 0; }

int main(void) {
    struct { const char *name; int (*attempt)(void); } all[] = {
        {"user namespace", try_user}, {"mount namespace", try_mount_ns}, {"process namespace", try_pid_ns},
        {"net namespace", try_net_ns}, {"user and mount namespace", try_user_then_mount}, {"clone", try_clone},
        {"clone3", try_clone3}, {"mount", try_mount}, {"remount", try_remount}, {"fsopen", try_fsopen},
        {"open_tree", try_open_tree}, {"chroot", try_chroot}, {"setns", try_setns},
        {"open_by_handle_at", try_handle}, {"mknod", try_device},
    };
    int escaped = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
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
