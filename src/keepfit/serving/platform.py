"""A platform: the cloud whose container this server is, and what that says of port, routes, workers and model by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from keepfit import errors

__all__ = ["SAGEMAKER_MODEL", "Platform", "platform_of", "release_in"]

#: Where SageMaker unpacks a model.
SAGEMAKER_MODEL = Path("/opt/ml/model")
_VERTEX = ("AIP_HTTP_PORT", "AIP_HEALTH_ROUTE", "AIP_PREDICT_ROUTE", "AIP_STORAGE_URI")


class Platform(msgspec.Struct, frozen=True):
    """What a cloud asks of a container. It admits who may ask before it passes a request on.

    Parameters
    ----------
    model : the folder in which it puts the model; None where it puts none
    predict, health : routes that it calls besides its usual ones
    health_port : another port on which it may ask whether the server is well
    workers : how many processes it wants; None leaves that open
    """

    name: Literal["sagemaker", "vertex", "azure"]
    port: int = 8080
    model: str | None = None
    predict: str | None = None
    health: str | None = None
    health_port: int | None = None
    workers: int | None = None


def platform_of(environ: Mapping[str, str], *, told: bool, model: Path = SAGEMAKER_MODEL, project: bool) -> Platform | None:
    """The platform that an environment shows; None on a machine of one's own.

    Parameters
    ----------
    told : the server was started with the argument that SageMaker gives
    model : the folder in which that puts the model; alone it shows the platform only where there is no project
    project : whether a project is where the server starts

    Raises
    ------
    BadArgument
        A variable holds what it cannot.
    """
    if any(name in environ for name in _VERTEX):
        return Platform(
            "vertex",
            port=_number(environ, "AIP_HTTP_PORT", 8080),
            model=_local(environ.get("AIP_STORAGE_URI", "")),
            predict=_route(environ, "AIP_PREDICT_ROUTE"),
            health=_route(environ, "AIP_HEALTH_ROUTE"),
        )
    if "AZUREML_MODEL_DIR" in environ:
        workers = _number(environ, "WORKER_COUNT", 1) if "WORKER_COUNT" in environ else None
        port, model_dir = _number(environ, "SERVER_PORT", 5001), environ["AZUREML_MODEL_DIR"] or None
        return Platform("azure", port, model_dir, health_port=5000, workers=workers)
    if told or "SAGEMAKER_BIND_TO_PORT" in environ or (model.is_dir() and not project):
        return Platform("sagemaker", port=_number(environ, "SAGEMAKER_BIND_TO_PORT", 8080), model=str(model) if model.is_dir() else None)
    return None


def release_in(folder: Path) -> Path:
    """The release that a platform put into a folder, which it may have wrapped in others.

    Raises
    ------
    BadRelease
        There is none, or there are several.
    """
    if (folder / "release.json").is_file():
        return folder
    found = sorted({path.parent for depth in ("*", "*/*", "*/*/*") for path in folder.glob(f"{depth}/release.json")})
    if len(found) == 1:
        return found[0]
    fix = "put the files of one release there, as in .keepfit/releases/r1, or name its folder with --release"
    message = "there are several releases in this folder" if found else "there is no release in this folder"
    raise errors.BadRelease(message, at=str(folder), fix=fix)


def _number(environ: Mapping[str, str], name: str, usual: int) -> int:
    text = environ.get(name) or str(usual)
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) < 65536):
        raise errors.BadArgument("this variable must be a whole number from 1 to 65535", at=name, fix="set it, or unset it")
    return int(text)


def _route(environ: Mapping[str, str], name: str) -> str | None:
    path = environ.get(name) or None
    if path is not None and (not path.startswith("/") or set("{}?#") & set(path)):
        raise errors.BadArgument("this variable must be the path of a route, as in /predict", at=name, fix="set it, or unset it")
    return path


def _local(address: str) -> str | None:
    """A folder by its path or `file://` address; empty for none."""
    if "://" not in address:
        return address or None
    if not address.startswith("file:///"):
        fix = "put the release into the image, and name its folder with --release"
        raise errors.BadArgument("a bucket is not read: the model must be a folder of the container", at="AIP_STORAGE_URI", fix=fix)
    return address.removeprefix("file://")
