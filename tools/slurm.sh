#!/usr/bin/env bash
# Train or test as a Slurm job:  GPUS=8 bash tools/slurm.sh train|test PARTITION JOB_NAME CONFIG [args]
# GPUS, GPUS_PER_NODE (8), CPUS_PER_TASK (5): processes, those of a node, cores of each. SRUN_ARGS: more for srun.
# GRES (gpu:GPUS_PER_NODE): empty for a partition without GPUS. PYTHON (python): the interpreter.
set -euo pipefail
[[ $# -ge 4 ]] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
GRES=${GRES-gpu:$GPUS_PER_NODE}
TOOLS=$(dirname "$0")

export PYTHONPATH=$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}
# SRUN_ARGS is split in words on purpose
exec srun -p "$2" \
    --job-name="$3" \
    ${GRES:+--gres="$GRES"} \
    --ntasks="${GPUS:-8}" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$TOOLS/$1.py" "${@:4}" --launcher=slurm
