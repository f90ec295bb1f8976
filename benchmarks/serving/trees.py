"""What a compiled exact form of the trees would give: an experiment, nothing of it is shipped.

    python benchmarks/serving/trees.py [--trees 100] [--leaves 31] [--rows 100] [--rounds 200] [--json]

The same LightGBM model of 20 numbers and 10 categories answers the same rows three ways: LightGBM's own matrix call on one
thread; a C loop over arrays of nodes (`walk`), which needs no compiler where it runs; and each tree as nested conditions in C,
compiled for this model (`branch`). All add up the leaves in the same order, so that raw scores must be equal to the last bit.
Needs a C compiler. Microseconds for one row, the least of the rounds.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

NODES = """\
#include <math.h>
#include <stdint.h>
#define ZERO(x) ((x) >= -1e-35f && (x) <= 1e-35f)
static inline int in_set(const uint32_t *bits, int words, double x) {
  if (isnan(x) || x < 0) return 0;
  int at = (int)x;
  return at / 32 < words && (bits[at / 32] >> (at % 32) & 1);
}
static inline int goes_left(double x, double threshold, int type) {
  int missing = (type >> 2) & 3;
  if (isnan(x) && missing != 2) x = 0.0;
  if ((missing == 1 && ZERO(x)) || (missing == 2 && isnan(x))) return (type & 2) != 0;
  return x <= threshold;
}
"""
WALK = """\
typedef struct { double threshold; int32_t feature, type, left, right, set, words; } Node;
void walk(const double *rows, int count, int width, const Node *nodes, const int32_t *roots, int trees,
          const double *leaves, const int32_t *first, const uint32_t *bits, double *out) {
  for (int r = 0; r < count; r++) {
    const double *row = rows + (long)r * width;
    double sum = 0.0;
    for (int t = 0; t < trees; t++) {
      const Node *tree = nodes + roots[t];
      int at = roots[t + 1] == roots[t] ? -1 : 0;
      while (at >= 0) {
        const Node *node = tree + at;
        double x = row[node->feature];
        int left = node->type & 1 ? in_set(bits + node->set, node->words, x) : goes_left(x, node->threshold, node->type);
        at = left ? node->left : node->right;
      }
      sum += leaves[first[t] + ~at];
    }
    out[r] = sum;
  }
}
"""
NODE = np.dtype([("threshold", "f8"), *[(name, "i4") for name in ("feature", "type", "left", "right", "set", "words")]])


class Tree:
    """One tree of a model's text."""

    def __init__(self, text: str) -> None:
        said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

        def numbers(name: str, kind: Callable[[str], Any]) -> list[Any]:
            return [kind(part) for part in said.get(name, "").split()]

        self.feature, self.type = numbers("split_feature", int), numbers("decision_type", int)
        self.threshold, self.leaves = numbers("threshold", float), numbers("leaf_value", float)
        self.left, self.right = numbers("left_child", int), numbers("right_child", int)
        self.bounds, self.bits = numbers("cat_boundaries", int), numbers("cat_threshold", int)


def trees_of(model: str) -> list[Tree]:
    return [Tree(part) for part in model.partition("\nend of trees")[0].split("\nTree=")[1:]]


BRANCH = """\
void branch(const double *rows, int count, int width, double *out) {
  for (int r = 0; r < count; r++) {
    const double *x = rows + (long)r * width;
    double sum = 0.0;
%s    out[r] = sum;
  }
}
"""


def branches(trees: list[Tree]) -> str:
    """Each tree as nested conditions."""
    parts = []
    for number, tree in enumerate(trees):
        sets = f"static const uint32_t s{number}[] = {{{', '.join(map(str, tree.bits)) or '0'}}};"
        parts.append(f"{sets}\nstatic double t{number}(const double *x) {{\n{_inside(tree, number, 0)}}}\n")
    total = "".join(f"    sum += t{number}(x);\n" for number in range(len(trees)))
    return "".join(parts) + BRANCH.replace("%s", total)


def _inside(tree: Tree, number: int, node: int) -> str:
    if node < 0 or not tree.feature:
        return f"return {tree.leaves[~node if node < 0 else 0]!r};\n"
    x = f"x[{tree.feature[node]}]"
    if tree.type[node] & 1:
        at = int(tree.threshold[node])
        condition = f"in_set(s{number} + {tree.bounds[at]}, {tree.bounds[at + 1] - tree.bounds[at]}, {x})"
    else:
        condition = f"goes_left({x}, {tree.threshold[node]!r}, {tree.type[node]})"
    return f"if ({condition}) {{ {_inside(tree, number, tree.left[node])} }} else {{ {_inside(tree, number, tree.right[node])} }}"


def compiled(source: str, place: Path) -> ctypes.CDLL:
    (place / "trees.c").write_text(source)
    # No contraction and no fast maths: sums must come out bit for bit.
    subprocess.run(["cc", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-o", place / "trees.so", place / "trees.c", "-lm"], check=True)
    return ctypes.CDLL(str(place / "trees.so"))


def walker(library: ctypes.CDLL, trees: list[Tree], rows: np.ndarray[Any, Any], out: np.ndarray[Any, Any]) -> Callable[[], object]:
    nodes, bits, roots, first = [], list[int](), [0], [0]
    for tree in trees:
        for at in range(len(tree.feature)):
            is_set = tree.type[at] & 1
            place = int(tree.threshold[at]) if is_set else 0
            words = tree.bounds[place + 1] - tree.bounds[place] if is_set else 0
            begin = len(bits) + tree.bounds[place] if is_set else 0
            nodes.append((tree.threshold[at], tree.feature[at], tree.type[at], tree.left[at], tree.right[at], begin, words))
        bits += tree.bits
        roots.append(len(nodes))
        first.append(first[-1] + len(tree.leaves))
    leaves = np.array([value for tree in trees for value in tree.leaves])
    kept = [np.array(nodes, NODE), np.array(roots, "i4"), leaves, np.array(first, "i4"), np.array(bits or [0], "u4")]
    table, starts, values, firsts, sets = (ctypes.c_void_p(one.ctypes.data) for one in kept)
    source, target = ctypes.c_void_p(rows.ctypes.data), ctypes.c_void_p(out.ctypes.data)

    def walk(kept: Any = kept) -> None:
        library.walk(source, len(rows), rows.shape[1], table, starts, len(trees), values, firsts, sets, target)

    return walk


def least(act: Callable[[], object], rounds: int, rows: int) -> float:
    """Microseconds for one row."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        act()
        best = min(best, time.perf_counter_ns() - begun)
    return best / rows / 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trees", type=int, default=100)
    options.add_argument("--leaves", type=int, default=31)
    options.add_argument("--rows", type=int, default=100)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    draw = np.random.default_rng(3)
    table = np.column_stack([draw.normal(size=(20_000, 20)), draw.integers(0, 20, (20_000, 10))])
    table[draw.random(table.shape) < 0.02] = np.nan
    truth = np.nan_to_num(table[:, 0]) + np.nan_to_num(table[:, 20]) / 10 - 1 + draw.normal(size=20_000) > 0
    data = lightgbm.Dataset(table, truth, categorical_feature=list(range(20, 30)), params={"verbose": -1})
    settings = {"objective": "binary", "num_leaves": chosen.leaves, "num_threads": 1, "verbose": -1, "max_cat_to_onehot": 4}
    model = lightgbm.train(settings, data, chosen.trees)
    trees = trees_of(model.model_to_string())
    rows = np.ascontiguousarray(table[: chosen.rows])
    expected = model.predict(rows, raw_score=True, num_threads=1)
    walked, branched = np.zeros(chosen.rows), np.zeros(chosen.rows)
    with tempfile.TemporaryDirectory() as place:
        begun = time.perf_counter()
        library = compiled(NODES + WALK + branches(trees), Path(place))
        took = time.perf_counter() - begun
        walk = walker(library, trees, rows, walked)
        source, target = ctypes.c_void_p(rows.ctypes.data), ctypes.c_void_p(branched.ctypes.data)
        found = {
            "LightGBM's matrix call": least(lambda: model.predict(rows, raw_score=True, num_threads=1), chosen.rounds, chosen.rows),
            "walk": least(walk, chosen.rounds, chosen.rows),
            "branch": least(lambda: library.branch(source, len(rows), rows.shape[1], target), chosen.rounds, chosen.rows),
        }
    apart = {"walk": float(np.abs(walked - expected).max()), "branch": float(np.abs(branched - expected).max())}
    if chosen.json:
        print(json.dumps({"microseconds a row": found, "largest difference": apart, "seconds to compile": took}))
        return
    for name, value in found.items():
        print(f"{name:24} {value:>7.2f} µs a row" + (f"   largest difference {apart[name]:g}" if name in apart else ""))
    print(f"compiling took {took:.1f} s")


if __name__ == "__main__":
    main()
