#!/usr/bin/env bash
# Measures what the attribute costs at compile time: the CPU seconds of `cargo check` on a crate with 500 functions
# (400 sync, 100 async), bare, with #[traced_span], and with tracing's #[instrument(skip_all)]; in turn, several rounds.
#
#     ui-tests/compile-time.sh [rounds, default 5]
#
# Prints the median of each, and the ratio of what the attributes add: it should stay at or below 0.6.
set -euo pipefail
# `time` writes the decimal point of the locale, and awk reads its own.
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd)
rounds=${1:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One crate: its name, the line of its dependency, what it imports, the attribute.
crate() {
    local folder="$work/$1"
    mkdir -p "$folder/src"
    cat > "$folder/Cargo.toml" <<TOML
[package]
name = "$1"
version = "0.1.0"
edition = "2024"

[dependencies]
$2

[workspace]
TOML
    {
        printf '#![allow(dead_code)]\n%s\n' "$3"
        for number in $(seq 400); do
            printf '%s\nfn sync_%s(a: u32, b: &str) -> Result<u32, std::num::ParseIntError> {\n    let c: u32 = b.parse()?;\n    if c > a { return Ok(c); }\n    Ok(a + c)\n}\n' "$4" "$number"
        done
        for number in $(seq 100); do
            printf '%s\nasync fn async_%s(a: u32, b: String) -> Result<u32, std::num::ParseIntError> {\n    std::future::ready(()).await;\n    let c: u32 = b.parse()?;\n    Ok(a + c)\n}\n' "$4" "$number"
        done
    } > "$folder/src/lib.rs"
}

crate bare "" "" ""
crate ours "otel-runtime = { path = \"$root/otel-runtime\", default-features = false, features = [\"recording\"] }" \
    "use otel_runtime::traced_span;" "#[traced_span]"
crate peer 'tracing = "0.1"' "use tracing::instrument;" "#[instrument(skip_all)]"

# The CPU seconds of checking one crate, its dependencies being built already.
measure() {
    touch "$work/$1/src/lib.rs"
    local TIMEFORMAT='%U %S'
    { time cargo check --quiet --offline --manifest-path "$work/$1/Cargo.toml"; } 2>&1 | awk '{ print $1 + $2 }'
}

for name in bare ours peer; do
    cargo check --quiet --manifest-path "$work/$name/Cargo.toml"
done
for _ in $(seq "$rounds"); do
    for name in bare ours peer; do
        measure "$name" >> "$work/$name.seconds"
    done
done

median() { sort -n "$work/$1.seconds" | awk '{ row[NR] = $1 } END { print row[int((NR + 1) / 2)] }'; }
awk -v bare="$(median bare)" -v ours="$(median ours)" -v peer="$(median peer)" 'BEGIN {
    printf "bare %.2f s, #[traced_span] %.2f s, #[instrument(skip_all)] %.2f s\n", bare, ours, peer
    printf "added: %.2f s against %.2f s, ratio %.2f\n", ours - bare, peer - bare, (ours - bare) / (peer - bare)
}'
