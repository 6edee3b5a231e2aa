#!/bin/bash
# Share one run among the tasks of a Slurm array, and join it when all have ended:
#
#     examples/cluster/slurm.sh film.mkv film_4x.mkv 32 [options of vidsr-job plan]
#
# INPUT and OUTPUT lie where all nodes see them under the same names. VIDSR_SBATCH holds options of
# sbatch for the tasks, such as "--gpus=1 --cpus-per-task=8 --time=12:00:00". A task that was
# pre-empted or killed begins again and goes on; so does this script.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 INPUT OUTPUT TASKS [options of vidsr-job plan]" >&2
    exit 2
fi
input=$1 output=$2 tasks=$3
shift 3
read -r -a wishes <<< "${VIDSR_SBATCH:-}"

folder=$(vidsr-job plan "$input" -o "$output" "$@")
# "%q" quotes the name for the shell that sbatch starts.
work=$(printf 'vidsr-job work %q' "$folder")
join=$(printf 'vidsr-job join %q' "$folder")
array=$(sbatch --parsable --requeue --array="0-$((tasks - 1))" "${wishes[@]}" --wrap "$work")
# "afterany": a task that failed may have left its piece to another, and join counts for itself.
sbatch --parsable --dependency="afterany:${array%%;*}" --wrap "$join"
