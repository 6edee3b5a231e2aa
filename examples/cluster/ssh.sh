#!/bin/bash
# Share one run among machines that ssh reaches, and join it when all have ended:
#
#     examples/cluster/ssh.sh film.mkv film_4x.mkv "alpha beta gamma" [options of vidsr-job plan]
#
# INPUT and OUTPUT lie where all machines see them under the same names, and vidsr is on each one's
# PATH. A machine that fails leaves its pieces to the others; Ctrl-C stops all, and the same command
# goes on.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 INPUT OUTPUT \"HOST...\" [options of vidsr-job plan]" >&2
    exit 2
fi
input=$1 output=$2
read -r -a hosts <<< "$3"
shift 3

folder=$(vidsr-job plan "$input" -o "$output" "$@")
work=$(printf 'vidsr-job work %q' "$folder")
for host in "${hosts[@]}"; do
    # -tt: what is stopped here is stopped there, since the terminal is taken away.
    ssh -tt -o BatchMode=yes "$host" "$work" < /dev/null 2>&1 | sed "s/^/$host: /" &
done
trap 'kill $(jobs -p) 2> /dev/null' EXIT
wait
exec vidsr-job join "$folder"
