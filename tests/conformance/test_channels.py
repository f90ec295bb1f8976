"""The shipped channels, against a real receiver on loopback."""

from __future__ import annotations

import pytest

from keepfit.channels.apprise import AppriseChannel
from keepfit.channels.webhook import Webhook
from keepfit.errors import AlertFailed
from keepfit.testing.channel import ChannelConformance


class TestWebhook(ChannelConformance):
    @pytest.fixture
    def open_channel(self):
        return lambda host, port: Webhook(f"http://{host}:{port}/hook", "cobalt")


class TestApprise(ChannelConformance):
    @pytest.fixture
    def open_channel(self):
        return lambda host, port: AppriseChannel(f"json://{host}:{port}/hook", None)

    def test_a_service_that_nobody_knows_is_a_failure_that_shows_no_token(self):
        with pytest.raises(AlertFailed) as failed:
            AppriseChannel("nowhere-at-all://cobalt-lemur", None)
        assert "cobalt" not in str(failed.value)
