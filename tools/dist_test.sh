#!/usr/bin/env bash
# Test in NUM_GPUS processes (without a GPU: on the CPU):
#     bash tools/dist_test.sh CONFIG CHECKPOINT NUM_GPUS [args of test.py]
# NNODES, NODE_RANK, MASTER_ADDR, PORT and PYTHON: as for dist_train.sh.
set -euo pipefail
[[ $# -ge 3 ]] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
TOOLS=$(dirname "$0")

export PYTHONPATH=$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$3" \
    "$TOOLS/test.py" "$1" "$2" --launcher pytorch "${@:4}"
