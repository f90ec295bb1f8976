"""The kinds of columns that come with the package pass the suite for all."""

from __future__ import annotations

import pytest

from keepfit.columns.boolean import Boolean
from keepfit.columns.category import Category
from keepfit.columns.moment import Moment
from keepfit.columns.number import Number
from keepfit.columns.text import Text
from keepfit.testing.column import ColumnConformance
from keepfit.workspace import column_kinds


class TestBoolean(ColumnConformance):
    @pytest.fixture
    def kind(self):
        return Boolean()


class TestCategory(ColumnConformance):
    @pytest.fixture
    def kind(self):
        return Category()


class TestMoment(ColumnConformance):
    @pytest.fixture
    def kind(self):
        return Moment()


class TestNumber(ColumnConformance):
    @pytest.fixture
    def kind(self):
        return Number()


class TestText(ColumnConformance):
    @pytest.fixture
    def kind(self):
        return Text()


def test_every_kind_that_is_installed_passes_the_suite():
    tested = {Boolean, Category, Moment, Number, Text}
    assert {type(kind) for kind in column_kinds().values()} == tested
    assert all(name == kind.kind for name, kind in column_kinds().items())
