# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Runs checks side by side and counts what passed, for scripts that source this file and set `logs`,
# the folder of the logs. Every line gives seconds of the clock and of the processors.

passed=0 failed=0 skipped=0
mkdir -p "${logs:?}"

# Adds up the numbers that CMocka prints before "test(s)" in lines of a kind: PASSED, FAILED ...
sum() {
    awk -v kind="$1" 'match($0, "\\[  " kind " +\\] [0-9]+ test") {
        split(substr($0, RSTART, RLENGTH), word, " +"); n += word[4] } END { print n + 0 }' "$2"
}

# begin NAME COMMAND...: starts it, its output into a log; gather ends it. As many run at once as
# there are processors.
declare -a running=()
begin() {
    local name=$1
    shift
    while (($(jobs -pr | wc -l) >= $(nproc))); do wait -n || true; done
    rm -f "$logs/$name".{log,status,time}
    (
        TIMEFORMAT='%R %U %S'
        { time "$@" >"$logs/$name.log" 2>&1 </dev/null && echo 0 >"$logs/$name.status"; } \
            2>"$logs/$name.time" || echo 1 >"$logs/$name.status"
    ) &
    running+=("$name")
}

# gather: waits for what begin has started and counts it.
gather() {
    local name
    wait
    for name in "${running[@]}"; do count "$name"; done
    running=()
}

tally() {
    begin "$@"
    gather
}

# count NAME: takes the numbers of the log's last line, where it gives totals as finish does, or adds
# up CMocka's. Counts the command itself where its log has neither, or where it fails without a
# failing test. Lines of the log that begin with `:::` are shown.
totals='^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$'
count() {
    local log=$logs/$1.log name=$1 status ok bad left real user system
    status=$(cat "$logs/$1.status" || echo 1) # none: it was killed
    read -r real user system < <(tail -n 1 "$logs/$1.time" || true) || true
    if [[ $(tail -n 1 "$log") =~ $totals ]]; then
        ok=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]} left=${BASH_REMATCH[3]}
    else
        ok=$(sum PASSED "$log") bad=$(sum FAILED "$log") left=$(sum SKIPPED "$log")
    fi
    if ((status != 0 && bad == 0)); then bad=1; fi
    if ((status == 0 && ok + left == 0)); then ok=1; fi
    printf '%-28s %4d passed %3d failed %3d skipped %6.0f s %6.0f s\n' "$name" "$ok" "$bad" \
        "$left" "${real:-0}" "$(awk "BEGIN { print ${user:-0} + ${system:-0} }")"
    sed -n 's/^::: /    /p' "$log"
    if ((bad > 0)); then
        echo "--- from $log:"
        grep -nE '\[  FAILED|\[   LINE|ERROR|rror: |Sanitizer|\*\*\*' "$log" | head -n 40 || true
        echo "--- its end:" && tail -n 20 "$log"
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
}

skip() {
    printf '%-28s skipped: %s\n' "$1" "$2"
    skipped=$((skipped + 1))
}

# have PROGRAM NAME: whether a program is there; if not, the check NAME is skipped.
have() { command -v "$1" >/dev/null || { skip "$2" "no $1" && false; }; }

finish() {
    times >"$logs/times"
    printf '%d s, %d s of the processors\n' "$SECONDS" "$(awk -F'[ms ]+' '
        NR == 2 { print int($1 * 60 + $2 + $3 * 60 + $4) }' "$logs/times")"
    echo "$passed passed, $failed failed, $skipped skipped"
    exit $((failed > 0))
}
