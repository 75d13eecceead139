#!/usr/bin/env bash
# Fuzzes every target for SECONDS (default 8) with stable Rust; fails if one of them found anything.
#
#     test-cases/fuzz/run.sh [SECONDS [TARGET...]]
#
# Begins with the committed corpus and with what earlier runs found, which stays in the build folder. What makes
# a target fail is kept in test-cases/fuzz/artifacts; give the file's path to the target's program to see it again.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-8}
shift $(($# > 0 ? 1 : 0))
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
    mapfile -t targets < <(find fuzz_targets -name '*.rs' -printf '%f\n' | sed 's/\.rs$//' | sort)
fi

# The crate's dependencies, their versions and how they are compiled are those of the crate itself: otherwise cargo
# would compile them anew for this workspace.
mark='# Everything below is the crate'
{
    sed "/^$mark/q" Cargo.toml
    sed -n '/^\[dependencies\]/,/^\[dev-dependencies\]/p' ../../Cargo.toml | sed '$d' | sed '/^$/d'
    sed -n '/^\[profile\.dev\.package\.[a-z]/,/^$/p' ../../Cargo.toml | sed '/^$/d'
} > Cargo.toml.new
if cmp -s Cargo.toml.new Cargo.toml; then rm Cargo.toml.new; else mv Cargo.toml.new Cargo.toml; fi
cp ../../Cargo.lock Cargo.lock

# Modules are compiled by the program itself.
cargo build --manifest-path ../../Cargo.toml --target-dir ../../target --locked --bin proofbox

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../../target}
export RUSTC_WORKSPACE_WRAPPER=$PWD/rustc-with-coverage.sh
cargo build "${targets[@]/#/--bin=}"

fuzz() {
    local found=$CARGO_TARGET_DIR/fuzz-corpus/$1 log
    mkdir -p "$found" "artifacts/$1"
    log=$(mktemp)
    if "$CARGO_TARGET_DIR/debug/$1" -max_total_time="$2" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=512 \
        -artifact_prefix="artifacts/$1/" "$found" "corpus/$1" > "$log" 2>&1; then
        printf '%s: %s\n' "$1" "$(grep -a '^Done' "$log")"
        rm "$log"
    else
        printf '%s FAILED:\n' "$1"
        tail -40 "$log"
        rm "$log"
        return 1
    fi
}
export -f fuzz
printf '%s\0' "${targets[@]}" | xargs -0 -P "$(nproc)" -I '{}' bash -c 'fuzz "$@"' fuzz '{}' "$seconds"
