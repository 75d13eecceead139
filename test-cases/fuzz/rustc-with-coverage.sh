#!/bin/sh
# Cargo's wrapper for the crates of this workspace: rustc with the counters that libFuzzer reads. Dependencies are
# compiled without them, by rustc itself.
exec "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=8
