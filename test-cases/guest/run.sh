#!/bin/sh
# Runs the sandbox's tests on a kernel with control groups version 2; README.md says what that proves.
#
#   test-cases/guest/run.sh [--short] [CASE...]   all cases by default; init.sh makes their surroundings
#
# --short: everything that differs between the cases, and the rest once; for continuous integration.
# Environment: GUEST_TIMEOUT, seconds the guest may take in all (default 1500).
# Exit codes: 0 everything passed; 1 something failed or did not run; 2 the guest could not be made.
set -eu

cd "$(dirname "$0")/../.."
ROOT=$PWD
HERE=$ROOT/test-cases/guest
WORK=$ROOT/target/guest
TREE=$WORK/tree
SWAP_MODULES="lzo lzo-rle zsmalloc zram"
ALL_CASES="root-hierarchy root-own-group root-shared-group user-delegated user-session user-plain"
SHORT=
if [ "${1:-}" = --short ]; then
    SHORT=yes
    shift
fi
CASES=${*:-$ALL_CASES}
# How much slower the emulated machine is, at most, beside whatever else this one does.
TIME_FACTOR=5
GUEST_TIMEOUT=${GUEST_TIMEOUT:-1500}

fail() {
    echo "guest: $*" >&2
    exit 2
}

# Tools, by the Debian package that has them.
tools() {
    [ "$(uname -m)" = x86_64 ] || fail "the guest is made for x86_64"
    missing=
    for pair in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio dpkg-deb:dpkg \
        strip:binutils python3:python3 gcc:gcc unshare:util-linux; do
        command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
    done
    [ -z "$missing" ] && return
    [ "$(id -u)" = 0 ] || fail "missing packages:$missing (apt-get install$missing)"
    echo "guest: installing$missing"
    apt-get update >"$WORK/apt.log" 2>&1 || fail "apt-get update failed; see $WORK/apt.log"
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >"$WORK/apt.log" 2>&1 ||
        fail "apt-get failed; see $WORK/apt.log"
}

# Debian's kernel for clouds, unpacked and not installed. Prints where its files are.
kernel() {
    find_package() {
        apt-cache depends linux-image-cloud-amd64 2>/dev/null |
            sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1
    }
    package=$(find_package)
    if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
        apt-get update >"$WORK/apt.log" 2>&1 || fail "apt-get update failed; see $WORK/apt.log"
        package=$(find_package)
    fi
    [ -n "$package" ] || fail "apt knows no linux-image-cloud-amd64"
    if [ ! -d "$WORK/$package" ]; then
        (cd "$WORK" && apt-get download "$package") >"$WORK/apt.log" 2>&1 || fail "see $WORK/apt.log"
        rm -rf "$WORK/unpack"
        dpkg-deb -x "$WORK/$package"_*.deb "$WORK/unpack"
        rm "$WORK/$package"_*.deb
        mv "$WORK/unpack" "$WORK/$package"
    fi
    echo "$WORK/$package"
}

# Prints "NAME PATH" of the program and of the two test programs of which modules run in the guest.
build() {
    cargo test --no-run --message-format=json --bin proofbox --test engine --test walls 2>"$WORK/build.log" |
        python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    target = message.get("target", {})
    if message.get("executable") and (target["kind"] == ["test"] or not message["profile"]["test"]):
        print(target["name"], message["executable"])
' || fail "the build failed; see $WORK/build.log"
}

# Copies a program or library and the libraries it needs.
add_program() {
    for file in "$1" $(ldd "$1" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'); do
        real=$(readlink -f "$(dirname "$file")")/$(basename "$file")
        [ -e "$TREE$real" ] && continue
        mkdir -p "$TREE$(dirname "$real")"
        cp -L "$file" "$TREE$real"
    done
}

# What a case runs: CASE CHECK COMMAND. Two cases are about where groups are made and run no more.
plan() {
    case $SHORT:$1 in
    yes:root-own-group | yes:*-s*) ;; # The place, and that it bounds.
    *) echo "$1 doctor /usr/bin/proofbox doctor" ;;
    esac
    for name in cgroup path hostile tiers; do
        program=walls
        [ $name != path ] || program=engine
        path=$(sed -n "s/^$program //p" "$WORK/programs")
        case $SHORT:$1:$name in
        :*:cgroup | yes:root-hierarchy:cgroup) options="cgroup::" ;;
        yes:*:cgroup) options="cgroup::the_mode_is cgroup::memory_of_ cgroup::a_group_has cgroup::groups_go_with" ;;
        # A kernel too old for the tiers of plain containers, once for either kind of user.
        *:root-hierarchy:tiers | *:user-plain:tiers) options="--ignored --exact tiers::a_kernel_that_is_too_old_is_refused_with_the_remedy" ;;
        *:root-shared-group:* | *:user-session:* | *:tiers) continue ;;
        # This kernel's Landlock is too old for the tiers of plain containers; doctor says so. The guest has
        # nothing but the interpreter.
        :*:path) options="path:: environment:: --skip plain_container --skip numpy" ;;
        # Every attack: as root and as an ordinary user with groups, in the way that is the default;
        # without groups where there are none.
        *:root-hierarchy:hostile | *:user-delegated:hostile)
            path="/usr/bin/env TEST_COMPILED=/guest/attacks TEST_TIME_FACTOR=$TIME_FACTOR TEST_MODES=0 $path"
            options="--ignored --exact hostile::contained_here --nocapture"
            ;;
        :user-plain:hostile)
            path="/usr/bin/env TEST_COMPILED=/guest/attacks TEST_TIME_FACTOR=$TIME_FACTOR TEST_MODES=2 $path"
            options="--ignored --exact hostile::contained_here --nocapture"
            ;;
        *) continue ;;
        esac
        # One at a time: a case has one group for all of its tests, and the machine is slow.
        echo "$1 $name $path $options --test-threads=1"
    done
    echo "$1 clean"
}

tree() {
    rm -rf "$TREE"
    mkdir -p "$TREE"
    cd "$TREE"
    mkdir -p usr/bin usr/lib usr/lib64 busybox proc sys dev tmp mnt etc root guest modules \
        usr/lib/python3/dist-packages
    ln -s usr/bin bin
    ln -s usr/lib lib
    ln -s usr/lib64 lib64
    cp "$(command -v busybox)" busybox/busybox
    cp "$HERE/init.sh" init
    printf 'root:x:0:0::/root:/bin/sh\nuser:x:1234:1234::/tmp:/bin/sh\n' >etc/passwd
    printf 'root:x:0:\nuser:x:1234:\n' >etc/group
    # A file of the image that attacks meet at.
    cp /usr/lib/os-release usr/lib/os-release
    python=$(basename "$(readlink -f /usr/bin/python3)")
    for program in dash env true false echo cat sleep unshare "$python"; do
        add_program "/usr/bin/$program"
    done
    ln -s dash usr/bin/sh
    ln -s "$python" usr/bin/python3
    tar -C /usr/lib --exclude=test --exclude='config-3.*' --exclude=idlelib --exclude=ensurepip \
        --exclude=lib2to3 --exclude=pydoc_data --exclude=tkinter --exclude=dist-packages \
        -cf - "$python" | tar -C usr/lib -xf -
    for library in usr/lib/"$python"/lib-dynload/*.so /usr/lib/x86_64-linux-gnu/libgcc_s.so.1; do
        add_program "/${library#/}"
    done
    # What a warm interpreter loads, where the tests and the program look for it.
    found=
    for library in "$ROOT"/target/debug/libproofbox.so "$ROOT"/target/debug/deps/libproofbox.so; do
        # Which of them there is depends on what was built last.
        [ -e "$library" ] || continue
        found=yes
        add_program "$library"
        strip --strip-debug "$TREE$library"
    done
    [ -n "$found" ] || fail "libproofbox.so is not in target/debug: cargo build"
    # The attacks' sources are read when they run.
    mkdir -p "$TREE$ROOT/test-cases"
    cp -r "$ROOT/test-cases/hostile" "$TREE$ROOT/test-cases/"
    # There is no compiler in the guest.
    mkdir guest/attacks
    for attack in "$ROOT"/test-cases/hostile/*.c; do
        gcc -O1 -static -w -o "guest/attacks/$(basename "$attack" .c)" "$attack" || fail "$attack does not compile"
    done
    # A swap device, so that forbidding swap means something.
    for module in $SWAP_MODULES; do
        find "$KERNEL/lib/modules" -name "$module.ko" -exec cp {} modules/ \;
        [ -e "modules/$module.ko" ] || fail "the kernel has no module $module.ko"
    done
    echo "$SWAP_MODULES" >guest/modules
    while read -r name path; do
        add_program "$path"
        strip "$TREE$path"
        [ "$name" != proofbox ] || ln -s "$path" usr/bin/proofbox
    done <"$WORK/programs"
    for case in $CASES; do
        plan "$case"
    done >guest/plan
    # cpio keeps owners, and the guest's root must own all of it.
    find . | cpio --quiet -o -H newc -R 0:0 >"$WORK/initramfs.cpio"
    cd "$ROOT"
}

boot() {
    rm -f "$WORK/results"
    # Emulation only: it needs no access to /dev/kvm and is the same everywhere.
    # In the foreground: who ends this script's group ends the machine, too.
    timeout --foreground -k 5 "$GUEST_TIMEOUT" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 \
        -no-reboot -display none -monitor none -nic none \
        -kernel "$KERNEL"/boot/vmlinuz-* -initrd "$WORK/initramfs.cpio" \
        -append "console=ttyS0 quiet loglevel=2 panic=-1" \
        -serial stdio -serial "file:$WORK/results" </dev/null
}

# Every case must have said "0" for every one of its checks, and the guest that it finished.
verdict() {
    [ -f "$WORK/results" ] || fail "the guest left no results"
    results=$(tr -d '\r' <"$WORK/results")
    failed=0
    echo
    printf '%-20s %-10s %-8s %s\n' case check seconds result
    while read -r case check _; do
        line=$(echo "$results" | grep "^$case $check " || true)
        # shellcheck disable=SC2086 # fields
        set -- $line
        case ${4:-absent} in
        0) word=passed ;;
        absent) word="DID NOT RUN" failed=$((failed + 1)) ;;
        *) word="FAILED ($4)" failed=$((failed + 1)) ;;
        esac
        printf '%-20s %-10s %-8s %s\n' "$case" "$check" "${3:--}" "$word"
    done <<PLAN
guest swap
$(cat "$TREE/guest/plan")
PLAN
    echo "$results" | grep -q '^finished$' || {
        echo "the guest did not finish"
        failed=$((failed + 1))
    }
    [ "$failed" = 0 ] || {
        echo "$failed failed"
        exit 1
    }
    echo "all passed"
}

mkdir -p "$WORK"
tools
KERNEL=$(kernel)
build >"$WORK/programs"
# The other tests are about verdicts, faces and data sets, not about the kernel.
for name in proofbox engine walls; do
    grep -q "^$name " "$WORK/programs" || fail "the build made no $name"
done
echo "guest: $(basename "$KERNEL"); runs: $(cut -d' ' -f1 "$WORK/programs" | tr '\n' ' ')"
tree
status=0
boot || status=$?
[ "$status" = 0 ] || echo "guest: qemu ended with $status"
verdict
