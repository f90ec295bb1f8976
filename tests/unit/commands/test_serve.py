"""What `keepfit serve` makes of its options and of a cloud's environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from keepfit.commands import serve

RELEASE = Path(__file__).parents[2] / "golden" / "releases" / "v1-trees"


@pytest.fixture
def listens(monkeypatch, tmp_path):
    """Calls the command with an environment; gives the folder that it would serve, and how it would listen."""
    monkeypatch.chdir(tmp_path)
    for name in ("AIP_HTTP_PORT", "AIP_STORAGE_URI", "AZUREML_MODEL_DIR", "SAGEMAKER_BIND_TO_PORT"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments, **environ):
        served = []
        monkeypatch.setattr(serve, "serve_folder", lambda folder, listen: served.append((folder, listen)))
        done = CliRunner().invoke(serve.command, [*map(str, arguments)], env=environ, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return served[0]

    return call


def test_a_machine_of_one_s_own_is_served_alone(listens):
    folder, listen = listens("--release", RELEASE)
    assert (folder, listen.host, listen.port, listen.workers, listen.platform, listen.admitted) == (
        RELEASE,
        "127.0.0.1",
        8080,
        1,
        None,
        False,
    )


def test_behind_something_that_admits_all_addresses_are_served(listens):
    _, listen = listens("--release", RELEASE, "--behind-auth")
    assert (listen.host, listen.port, listen.platform, listen.admitted) == ("0.0.0.0", 8080, None, True)
    assert listens("--release", RELEASE, "--behind-auth", "--host", "127.0.0.1")[1].host == "127.0.0.1"


def test_a_cloud_s_environment_says_where_the_model_lies_and_the_port(listens, tmp_path):
    folder, listen = listens(AIP_HTTP_PORT="7080", AIP_STORAGE_URI=str(RELEASE.parent / "v1-trees"))
    assert (folder, listen.host, listen.port, listen.admitted, listen.platform.name) == (RELEASE, "0.0.0.0", 7080, True, "vertex")
    folder, listen = listens(AZUREML_MODEL_DIR=str(RELEASE), WORKER_COUNT="3")
    assert (folder, listen.port, listen.workers, listen.platform.name) == (RELEASE, 5001, 3, "azure")
    folder, listen = listens("serve", "--release", RELEASE)
    assert (folder, listen.port, listen.platform.name) == (RELEASE, 8080, "sagemaker")


def test_options_go_before_the_environment(listens):
    options = ("--release", RELEASE, "--host", "127.0.0.1", "--port", 0, "--workers", 0)
    folder, listen = listens(*options, AZUREML_MODEL_DIR="/nowhere", SERVER_PORT="7080", WORKER_COUNT="3")
    assert (folder, listen.host, listen.port, listen.workers) == (RELEASE, "127.0.0.1", 0, 0)
