# Shared by the scripts beside it: sourced, never run. Sets `repo`; everything below is a function.
# shellcheck shell=bash

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }

# A heading between the parts of a longer script.
part() { printf '\n== %s\n' "$*"; }

# stop REASON NEXT-COMMAND: what is wrong on the first line, what to type on the second.
stop() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    [ $# -lt 2 ] || printf '  next: %s\n' "$2" >&2
    exit 1
}

# usage TEXT…: exit code 64, as `bedrot` itself does.
usage() {
    printf '%s\n' "$@" >&2
    exit 64
}

# Shows a command as a person would type it, then runs it.
show() {
    local word line='$'
    for word in "$@"; do
        case "$word" in *[\ \(\*]*) line+=" \"$word\"" ;; *) line+=" $word" ;; esac
    done
    printf '\n%s\n' "$line"
    "$@"
}

# Linked statically, the binary runs where no Swift is installed; every script builds it alike, or each would build all of it again.
release=(-c release --product bedrot --static-swift-stdlib)

# Brings the release binary up to date. Says how long a first build takes, for it is silent for minutes.
build_release() {
    [ -d "$repo/.build/release" ] || say "first release build: 4 to 8 minutes on two cores, seconds afterwards"
    (cd "$repo" && swift build "${release[@]}")
}

# The folder that holds it.
release_folder() { (cd "$repo" && swift build "${release[@]}" --show-bin-path); }
