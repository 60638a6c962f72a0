#!/usr/bin/env bash
# Train or test in NUM_GPUS processes (without a GPU: on the CPU):  bash tools/dist.sh train|test NUM_GPUS CONFIG [args]
# On several machines, once on each:  NNODES=2 NODE_RANK=0 MASTER_ADDR=<the first machine> bash tools/dist.sh ...
# PORT (default 29500): another one for each run on a machine. PYTHON (default python): the interpreter.
set -euo pipefail
[[ $# -ge 3 ]] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
TOOLS=$(dirname "$0")

export PYTHONPATH=$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$2" \
    "$TOOLS/$1.py" "${@:3}" --launcher=pytorch
