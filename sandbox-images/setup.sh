#!/bin/sh
# Installs, by package name, what building and running proofbox needs on Debian: a C linker toolchain (a C
# dependency is compiled), and the packages that sandbox-images/*/image.toml ask for. Says what it does, does
# nothing when nothing is missing, and may be run again at any time.
#
#     sh sandbox-images/setup.sh            to build and run
#     sh sandbox-images/setup.sh --tests    to run the tests too: runtimes that they try in cells
set -eu

images=$(cd "$(dirname "$0")" && pwd)
build_packages="gcc libc6-dev"
test_packages="musl-tools default-jdk-headless nodejs util-linux"

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# The value of [host] debian_packages in one image.toml, one package a line. The list may span lines.
packages_of() {
    awk '
        { sub(/#.*/, "") }
        /^[ \t]*\[/ && !open { host = ($0 ~ /^[ \t]*\[host\][ \t]*$/); next }
        host && /^[ \t]*debian_packages[ \t]*=/ { open = 1; sub(/^[^=]*=/, "") }
        open {
            line = $0
            while (match(line, /"[^"]*"/)) {
                print substr(line, RSTART + 1, RLENGTH - 2)
                line = substr(line, RSTART + RLENGTH)
            }
            if ($0 ~ /\]/) open = 0
        }
    ' "$1"
}

installed() {
    status=$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null) || return 1
    [ "$status" = "install ok installed" ]
}

wanted=$build_packages
case ${1:-} in
    "") ;;
    --tests) wanted="$wanted $test_packages" ;;
    *) fail "unknown argument: $1 (only --tests is known)" ;;
esac
for manifest in "$images"/*/image.toml; do
    [ -e "$manifest" ] || fail "no image.toml under $images: this is not a complete checkout"
    for package in $(packages_of "$manifest"); do
        case $package in
            *[!a-z0-9.+-]*) fail "$manifest: '$package' is not a Debian package name" ;;
        esac
        wanted="$wanted $package"
    done
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    fail "this is not a Debian system (no dpkg); install the equivalents of these yourself: $wanted"
fi

missing=
for package in $wanted; do
    case " $missing " in *" $package "*) continue ;; esac
    installed "$package" || missing="$missing $package"
done
missing=${missing# }

if [ -n "$missing" ]; then
    say "missing Debian packages: $missing"
    command -v apt-get >/dev/null 2>&1 || fail "apt-get is not there; install these yourself: $missing"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "not root and no sudo; as root run: apt-get install --no-install-recommends $missing"
        as_root=sudo
    fi
    say "running: ${as_root:+$as_root }apt-get update"
    $as_root apt-get update -q >&2 || fail "apt-get update failed; is the network or the mirror reachable?"
    say "running: ${as_root:+$as_root }apt-get install --no-install-recommends $missing"
    # $missing is a list of words on purpose.
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >&2 ||
        fail "apt-get could not install: $missing"
    for package in $missing; do
        installed "$package" || fail "$package is still not installed"
    done
    say "done"
fi

command -v cargo >/dev/null 2>&1 ||
    say "note: cargo is not on the PATH; proofbox is built with Rust (https://rustup.rs)"

# An ordinary user needs unprivileged user namespaces. They are a setting of the host's kernel, which belongs to
# its administrator: name the remedy and change nothing.
if [ "$(id -u)" -ne 0 ]; then
    setting() { cat "/proc/sys/$1" 2>/dev/null || echo "$2"; }
    [ "$(setting kernel/unprivileged_userns_clone 1)" != 0 ] ||
        say "note: unprivileged user namespaces are off; as root: sysctl -w kernel.unprivileged_userns_clone=1"
    [ "$(setting kernel/apparmor_restrict_unprivileged_userns 0)" != 1 ] ||
        say "note: AppArmor restricts user namespaces; as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    [ "$(setting user/max_user_namespaces 1)" != 0 ] ||
        say "note: user.max_user_namespaces is 0; as root: sysctl -w user.max_user_namespaces=15000"
fi
