"""The shipped statistics of drift."""

from __future__ import annotations

import pytest

from keepfit import plugin
from keepfit.testing.statistic import StatisticConformance


class TestShipped(StatisticConformance):
    @pytest.fixture(params=plugin.kinds("drift"))
    def statistic(self, request):
        return plugin.find("drift", request.param)()

    def test_its_kind_is_its_name(self, statistic):
        assert plugin.find("drift", statistic.kind) is type(statistic)
