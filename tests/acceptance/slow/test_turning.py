"""The loop over many turns: killed at random moments, or beside another loop, it decides what one calm loop decides."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from pathlib import Path

import pytest

TURNING = Path(__file__).with_name("turning.py")
#: Nothing is given up here: what is killed a dozen times in a row is still made.
REFIT = ("minimum_labels = 100", 'minimum_labels = 50\ngive_up_after = 1000\ncooldown = "0s"')
#: Four ways to keep a model, told by their [refit]: what a kill may cut off differs.
POLICIES = {
    "race": "",
    "stages": 'stages = ["canary:50%"]',
    "approval": 'promote = "approval"',
    "drift and schedule": 'on = ["drift", "schedule", "quality"]\nevery = 3',
}


@pytest.fixture
def turned(tmp_path, project, variables):
    """Tells the weeks of a project twice: disturbed, and by one calm loop; what held in both, the calm story, and the sums."""

    def tell(how, turns, seed, refit=""):
        folder = project("turned", edit=(REFIT[0], f"{REFIT[1]}\n{refit}"))
        call = [sys.executable, str(TURNING), str(folder), how, str(turns), str(seed)]
        done = subprocess.run(call, capture_output=True, text=True, env=variables | {"TMPDIR": str(tmp_path)}, timeout=1500, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        sums = json.loads(done.stdout)
        disturbed, calm = (json.loads(Path(sums.pop(name)).read_text()) for name in ("disturbed", "calm"))
        print(sums)
        return disturbed, calm, sums

    return tell


def assert_the_same_decisions(disturbed, calm):
    """No entry is missing, none is there twice, and every action that the calm loop did was done once."""
    assert disturbed["whole"]
    assert calm["whole"]
    for number, (one, other) in enumerate(zip(disturbed["told"], calm["told"], strict=False)):
        assert one == other, f"entry {number} of the story"
    assert len(disturbed["told"]) == len(calm["told"])
    assert (disturbed["answers"], disturbed["labels"]) == (calm["answers"], calm["labels"])
    begun = [{(kind, cause) for kind, cause, _ in told["actions"]} for told in (disturbed, calm)]
    assert begun[0] == begun[1]
    # What was cut off after its last entry is done, and its note says that its process ended.
    done = collections.Counter(cause for _, cause, status in disturbed["actions"] if status == "done")
    assert set(done.values()) == {1}
    ways = collections.Counter(status for _, _, status in disturbed["actions"])
    assert ways["started"] == ways["done"] + ways["abandoned"] + ways["failed"]


@pytest.mark.parametrize(("seed", "policy"), list(enumerate(POLICIES, 1)))
def test_turns_that_are_killed_at_random_moments_lose_no_decision_and_make_none_twice(turned, seed, policy):
    disturbed, calm, sums = turned("killed", 250, seed, POLICIES[policy])
    assert_the_same_decisions(disturbed, calm)
    assert sums["turns"] >= 250
    assert sums["kills"] >= 60
    assert sum(status == "abandoned" for *_, status in disturbed["actions"]) >= 3
    assert {"refit", "compare"} <= {kind for kind, *_ in calm["actions"]}


@pytest.mark.parametrize(("how", "policy"), [("two", "race"), ("apart", "stages")])
def test_two_loops_on_one_project_decide_what_one_decides(turned, how, policy):
    disturbed, calm, sums = turned(how, 250, 7, POLICIES[policy])
    assert_the_same_decisions(disturbed, calm)
    assert sums["turns"] >= 250
