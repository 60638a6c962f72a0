#!/usr/bin/env bash
# Test as a Slurm job:  GPUS=8 bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [args of test.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK, GRES, SRUN_ARGS and PYTHON: as for slurm_train.sh.
set -euo pipefail
[[ $# -ge 4 ]] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
GRES=${GRES-gpu:$GPUS_PER_NODE}
TOOLS=$(dirname "$0")

export PYTHONPATH=$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}
# SRUN_ARGS is split in words on purpose
exec srun -p "$1" \
    --job-name="$2" \
    ${GRES:+--gres="$GRES"} \
    --ntasks="${GPUS:-8}" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$TOOLS/test.py" "$3" "$4" --launcher=slurm "${@:5}"
