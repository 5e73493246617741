#!/usr/bin/env bash
# Everything that must hold: run_all.sh [TREE...]. Installs what is missing, builds the trees, then
# runs the tests of all of them as one list, so that ctest's closing line speaks for the whole run.
#
#   dev    g++, assertions of the library on: all tests
#   asan   AddressSanitizer and UndefinedBehaviorSanitizer: all tests but Chromium and those
#          labelled `once`
#   tsan   ThreadSanitizer: the tests labelled `unit`, which run the whole proxy with several
#          threads (WHOLE_SUITE=1: both run all tests but those labelled `once`)
#   clang  the second compiler's warnings and code: the tests labelled `unit`
#   fuzz   every fuzz target over its corpus and for a few seconds more, those of bodies and rids
#          for a minute
#
# A test labelled `once` looks at the sources or measures time: another tree would tell nothing new.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

trees=("$@")
(($#)) || trees=(dev asan tsan clang fuzz)
began=$SECONDS

tests/setup.sh test
for tree in "${trees[@]}"; do
    what=()
    [[ $tree != fuzz ]] || what=("-DBOSHGATE_FUZZ_SECONDS=${FUZZ_SECONDS:-10}" tests/fuzz/all)
    tests/build_tree.sh "$tree" "${what[@]}"
done
echo "== all built after $((SECONDS - began)) s" >&2

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
ASAN_OPTIONS+=:check_initialization_order=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:history_size=4
node tests/merge_trees.mjs build/all "${trees[@]}"
ctest --test-dir build/all --output-on-failure --no-tests=error --no-label-summary \
    --parallel "$(nproc)"
