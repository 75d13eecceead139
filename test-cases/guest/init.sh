#!/busybox/busybox sh
# The guest's init: makes each case's surroundings, runs the checks in them, says what came out.
#
# Results go to the second serial port, a line each: CASE CHECK SECONDS EXIT-CODE, then "finished".

export PATH=/busybox:/usr/bin
CGROUPS=/sys/fs/cgroup
USER_ID=1234
CHECK_SECONDS=900
RESULTS=/dev/ttyS1

# `timeout` runs programs, not functions of this shell: this script is these two programs as well.
case ${0##*/} in
in_group) # GROUP COMMAND...: alone in it
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$@"
    ;;
as_user) # COMMAND...: an ordinary user
    exec python3 -I -S -c "
import os, sys
os.setgroups([])
os.setresgid($USER_ID, $USER_ID, $USER_ID)
os.setresuid($USER_ID, $USER_ID, $USER_ID)
os.execv(sys.argv[1], sys.argv[1:])" "$@"
    ;;
esac

if [ "$1" != on-tmpfs ]; then
    # pivot_root refuses to leave the initial root file system: go on from a tmpfs.
    /busybox/busybox --install -s /busybox
    mkdir /new
    mount -t tmpfs -o size=1g,mode=755 root /new
    for entry in /*; do
        [ "$entry" = /new ] || cp -a "$entry" /new/
    done
    exec switch_root /new /init on-tmpfs
fi

surroundings() {
    mount -t proc -o nosuid,nodev,noexec proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs devtmpfs /dev
    # Not a mount of its own: the checkout, whose paths the tests have in them, may lie below it.
    chmod 1777 /tmp
    chmod 666 /dev/null /dev/zero /dev/full /dev/random /dev/urandom
    # As systemd mounts it.
    mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 $CGROUPS
    exec </dev/null >/dev/console 2>&1
    for module in $(cat /guest/modules); do
        insmod "/modules/$module.ko"
    done
    echo 512M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
    echo "guest swap 0 $?" >$RESULTS
    echo "kernel $(uname -r), controllers: $(cat $CGROUPS/cgroup.controllers), swap: $(sed -n 's/SwapTotal: *//p' /proc/meminfo)"
}

# check NAME COMMAND...: runs it as the case says.
check() {
    name=$1
    shift
    echo
    echo "== $CASE: $name"
    begun=$(cut -d. -f1 /proc/uptime)
    timeout -s KILL $CHECK_SECONDS "$@"
    code=$?
    echo "$CASE $name $(($(cut -d. -f1 /proc/uptime) - begun)) $code" >$RESULTS
}

# Runs a command and stays beside it, in the same group.
# shellcheck disable=SC2016 # expanded by the inner shell
BESIDE_SHELL='"$@"; exit $?'

# As systemd's Delegate=yes leaves it.
delegate() {
    chown $USER_ID:$USER_ID "$1" "$1/cgroup.procs" "$1/cgroup.threads" "$1/cgroup.subtree_control"
}

# Nothing of ours is left: no group, no process, no mount.
clean() {
    # Its last process may still be ending.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        left=$(
            find $CGROUPS -name 'proofbox-*'
            grep -l '__launche[r]' /proc/[0-9]*/cmdline 2>/dev/null
            grep -E ' (/mnt|/media|/srv|/tmp/.*) ' /proc/mounts
        )
        [ -z "$left" ] && return 0
        sleep 1
    done
    echo "left: $left"
    return 1
}

# The checks of one case; the arguments are what runs a command as the case says.
checks() {
    while read -r case name command; do
        # shellcheck disable=SC2086 # a program and its arguments
        [ "$case" != "$CASE" ] || [ "$name" = clean ] || check "$name" "$@" $command </dev/null
    done </guest/plan
    echo
    echo "== $CASE: clean"
    clean
    echo "$CASE clean 0 $?" >$RESULTS
}

run_case() {
    CASE=$1
    export PROOFBOX_EXPECT_CGROUPS
    echo
    echo "==== $CASE"
    case $CASE in
    root-hierarchy)
        PROOFBOX_EXPECT_CGROUPS="v2 $CGROUPS"
        checks env
        ;;
    root-own-group)
        mkdir $CGROUPS/service
        PROOFBOX_EXPECT_CGROUPS="v2 $CGROUPS/service"
        checks /guest/in_group $CGROUPS/service
        rmdir $CGROUPS/service
        ;;
    root-shared-group)
        mkdir $CGROUPS/session
        PROOFBOX_EXPECT_CGROUPS="v2 $CGROUPS"
        checks /guest/in_group $CGROUPS/session sh -c "$BESIDE_SHELL" sh
        rmdir $CGROUPS/session
        ;;
    user-delegated)
        mkdir -p $CGROUPS/user.slice/delegated
        echo "+memory +pids" >$CGROUPS/user.slice/cgroup.subtree_control
        delegate $CGROUPS/user.slice/delegated
        PROOFBOX_EXPECT_CGROUPS="v2 $CGROUPS/user.slice/delegated"
        checks /guest/in_group $CGROUPS/user.slice/delegated /guest/as_user
        rmdir $CGROUPS/user.slice/delegated $CGROUPS/user.slice
        ;;
    user-session)
        mkdir -p $CGROUPS/user.slice/session
        echo "+memory +pids" >$CGROUPS/user.slice/cgroup.subtree_control
        delegate $CGROUPS/user.slice/session
        PROOFBOX_EXPECT_CGROUPS="v2 $CGROUPS/user.slice/session"
        checks /guest/in_group $CGROUPS/user.slice/session /guest/as_user /usr/bin/sh -c "$BESIDE_SHELL" sh
        rmdir $CGROUPS/user.slice/session $CGROUPS/user.slice
        ;;
    user-plain)
        mkdir -p $CGROUPS/user.slice/plain
        echo "+memory +pids" >$CGROUPS/user.slice/cgroup.subtree_control
        PROOFBOX_EXPECT_CGROUPS=none
        checks /guest/in_group $CGROUPS/user.slice/plain /guest/as_user
        rmdir $CGROUPS/user.slice/plain $CGROUPS/user.slice
        ;;
    *) echo "no such case: $CASE" ;;
    esac
}

surroundings
ln -s /init /guest/in_group
ln -s /init /guest/as_user
for case in $(cut -d' ' -f1 /guest/plan | uniq); do
    [ "$case" = root-hierarchy ] || echo "+memory +pids" >$CGROUPS/cgroup.subtree_control
    run_case "$case"
done
echo
echo finished >$RESULTS
sync
# The machine ends: qemu runs with -no-reboot.
reboot -f
