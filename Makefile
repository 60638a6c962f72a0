# make install | demo | test | test-official | lint | docs          needs Python >= 3.10, git and make, and nothing else installed
PYTHON ?= python3
BIN := .venv/bin
# `make demo` takes two and a half minutes on two cores of an AMD EPYC with AVX512-BF16, seven on one without, and more on the first call, which installs.
# Mixed precision where the processor has bfloat16 instructions; without them it takes 12 times as long as float32
AMP ?= $(shell grep -qswE 'avx512_bf16|amx_bf16|bf16' /proc/cpuinfo && echo --amp)

DEMO := lcv_hbp_resnet18_birdlets64
DEMO_DIR := work_dirs/$(DEMO)

.PHONY: install demo test test-official lint docs
install: .venv/installed

.venv/installed: pyproject.toml setup.py requirements/tested.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "lcv_mm needs Python 3.10 or newer; say which: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install -c requirements/tested.txt -e '.[dev]'
# opencv-python, which the toolbox asks for, needs the desktop's libGL; the headless build of it runs anywhere
	$(BIN)/python -m pip install --force-reinstall --no-deps -c requirements/tested.txt opencv-python-headless
	touch $@

demo: install
	$(BIN)/python tools/train.py configs/birdlets/$(DEMO).py --resume $(AMP)
	$(BIN)/python tools/test.py configs/birdlets/$(DEMO).py "$$(cat $(DEMO_DIR)/last_checkpoint)" --out $(DEMO_DIR)/test.json --out-item metrics
	$(BIN)/python tools/plot_curves.py $(DEMO_DIR)
	$(BIN)/python tools/attention_maps.py configs/birdlets/$(DEMO).py "$$(cat $(DEMO_DIR)/last_checkpoint)" --out $(DEMO_DIR)/attention.png
	@$(BIN)/python -c 'import json; print("Top-1 accuracy on 400 test images: %.2f %%" % json.load(open("$(DEMO_DIR)/test.json"))["accuracy/top1"])'

# Two files at a time, each with one thread
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow or not slow" -n 2 --dist loadfile --no-loadscope-reorder

test: install
	$(PYTEST)

# The main path once more on the official releases of the toolbox, put before the installed ones
test-official: install .official/installed
	PYTHONPATH=.official $(PYTEST) tests/test_tools.py tests/test_registration.py \
	    tests/engine/test_resumable_train_loop.py tests/test_configs.py::test_a_built_model_scores_every_class

.official/installed: requirements/official.txt
	rm -rf .official
	$(BIN)/python -m pip install --quiet --no-deps --target .official -r requirements/official.txt
	touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site of docs/, into site/
docs: install
	$(BIN)/mkdocs build --quiet
