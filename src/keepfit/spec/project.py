"""The whole project file as one value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from keepfit.spec.alerts import AlertsSpec
from keepfit.spec.checks import ChecksSpec
from keepfit.spec.contradictions import Contradiction
from keepfit.spec.data import ColumnSpec, DataSpec
from keepfit.spec.features import FeaturesSpec
from keepfit.spec.labels import LabelsSpec
from keepfit.spec.model import ModelSpec
from keepfit.spec.monitor import MonitorSpec
from keepfit.spec.problem import ProblemSpec
from keepfit.spec.refit import RefitSpec
from keepfit.spec.serve import ServeSpec
from keepfit.spec.stores import StoresSpec
from keepfit.spec.strict import Strict

__all__ = ["ProjectSpec"]


def _raw(value: Any) -> Any:
    if value is False:
        return {}
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise ValueError('a gate is a table with a kind, as in { kind = "at_least", metric = "roc_auc", limit = 0.65 }')
    return value


#: A plugin's options as they stand in the file; the plugin's own class parses them. `false`, for a gate that is on by
#: default, is an empty table.
RawTable = Annotated[dict[str, Any], BeforeValidator(_raw)]


class ProjectSpec(Strict):
    """`keepfit.toml`."""

    problem: ProblemSpec
    data: DataSpec
    columns: dict[str, ColumnSpec] = Field(default_factory=dict)
    checks: ChecksSpec = ChecksSpec()
    model: ModelSpec = ModelSpec()
    features: FeaturesSpec | None = None
    labels: LabelsSpec | None = None
    gates: dict[str, RawTable] = Field(default_factory=dict)
    monitor: MonitorSpec = MonitorSpec()
    refit: RefitSpec = RefitSpec()
    serve: ServeSpec = ServeSpec()
    stores: StoresSpec = StoresSpec()
    alerts: AlertsSpec = AlertsSpec()

    def contradictions(self) -> Iterator[Contradiction]:
        """What cannot hold together though each part of it is right."""
        yield from self.refit.contradictions()
        yield from self.alerts.contradictions()
        if self.refit.history != "all" and self.problem.time is None:
            fix = 'add time = … to [problem], or say history = "all"'
            yield Contradiction(("refit", "history"), "no row is older than another: problem.time is not named", fix)
