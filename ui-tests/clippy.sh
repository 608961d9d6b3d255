#!/usr/bin/env bash
# Runs clippy pedantic over every program in tests/ui/pass, warnings denied: what the macros expand to must be as clean
# as what was written. Then has the compiler check them with recording compiled out. Each program is a binary of one package,
# which is made below the workspace's target folder.
#
#     ui-tests/clippy.sh
#
# Needs no network once the workspace is built.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/ui-clippy
mkdir -p "$target"
cp "$root/Cargo.lock" "$root/clippy.toml" "$target"

# What the workspace writes for a dependency of ui-tests.
dependencies() {
    sed -n '/^\[dev-dependencies\]/,/^$/s/^\([a-z-]*\)\.workspace = true$/\1/p' "$root/ui-tests/Cargo.toml" |
        while read -r name; do
            grep "^$name = " "$root/Cargo.toml"
        done
}

{
    cat <<TOML
[package]
name = "ui-clippy"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]

[lints.clippy]
pedantic = "deny"

[features]
recording = ["otel-runtime/recording"]

[dependencies]
$(dependencies)
otel-runtime = { path = "$root/otel-runtime", default-features = false }
TOML
    for program in "$root"/ui-tests/tests/ui/pass/*.rs; do
        printf '\n[[bin]]\nname = "%s"\npath = "%s"\n' "$(basename "$program" .rs)" "$program"
    done
} > "$target/Cargo.toml"

in_package() {
    cargo "$1" --quiet --keep-going --offline --manifest-path "$target/Cargo.toml" --target-dir "$target/target" "${@:2}"
}

in_package clippy --features recording -- -D warnings
# What is left where recording is compiled out is what was written, of which pedantic may think what it likes.
in_package check
printf '%s programs are clean under clippy pedantic, and compile without recording\n' "$(grep --count '^\[\[bin\]\]' "$target/Cargo.toml")"
