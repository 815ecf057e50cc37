# make demo | test | check | setup: each makes .venv first where it is missing.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test check setup bench pictures clean

demo: setup
	$(BIN)/sewcell run configs/garments/shirt-pocket.yaml --backend sim --seed 1 --out runs/demo

test: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Python 3.11 is needed and '$(PYTHON)' was not found: install it (Debian: apt-get install python3.11 python3.11-venv) or name it with make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sim,dev]'
	@echo "first run, which compiles the numerical kernels"
	@$(BIN)/sewcell run configs/garments/shirt-pocket.yaml --out .venv/first-run --database sqlite:///.venv/first-run.db >.venv/first-run.log 2>&1 || { cat .venv/first-run.log; exit 1; }
	@touch $@

bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sim,dev,bench]'
	for page in cell kinematics collision motion vision edge_tracking drivers simulation campaign; do $(BIN)/python -m benchmarks.$$page || exit 1; done

pictures: setup
	$(BIN)/python tools/draw_cell.py --strip docs/images/cycle.png

clean:
	rm -rf .venv runs build dist *.egg-info
