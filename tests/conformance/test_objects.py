"""Files in an object store, and Delta tables here and there: the suite for all sources, and what is their own."""

from __future__ import annotations

import io
import itertools
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from moto.server import ThreadedMotoServer

from keepfit.errors import MissingSource, SourceUnreachable, UnreadableTable
from keepfit.source import Address, kind_of
from keepfit.sources.csv import CsvSource
from keepfit.sources.delta import DeltaSource
from keepfit.sources.parquet import ParquetSource
from keepfit.testing.source import SourceConformance

BUCKET = "rows"
NAMES = itertools.count()
SAID = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}
FRAME = pl.DataFrame({"a": [1, 2, 3], "s": ["x", None, "z"]})


@pytest.fixture(scope="session")
def store():
    """An object store that speaks S3, on loopback, and how things are put there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SAID, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield lambda name, data: client.put_object(Bucket=BUCKET, Key=name, Body=data)
        client.close()
    server.stop()


def parquet(frame):
    held = io.BytesIO()
    frame.write_parquet(held)
    return held.getvalue()


class TestParquetObjects(SourceConformance):
    """All objects that fit a pattern."""

    @pytest.fixture
    def write(self, store):
        folder = f"p{next(NAMES)}"

        def put(frame):
            half = frame.height // 2
            store(f"{folder}/1.parquet", parquet(frame.head(half)))
            store(f"{folder}/z/2.parquet", parquet(frame.slice(half)))
            return ParquetSource(Address(f"s3://{BUCKET}/{folder}/**/*.parquet", None))

        return put

    @pytest.fixture
    def nowhere(self, store):
        return ParquetSource(Address(f"s3://{BUCKET}/none/*.parquet", None))


class TestCsvObject(SourceConformance):
    @pytest.fixture
    def write(self, store):
        name = f"c{next(NAMES)}.csv"

        def put(frame):
            store(name, frame.write_csv(separator=";").encode())
            return CsvSource(Address(f"s3://{BUCKET}/{name}", None))

        return put

    @pytest.fixture
    def nowhere(self, store):
        return CsvSource(Address(f"s3://{BUCKET}/none.csv", None))


class TestDelta(SourceConformance):
    @pytest.fixture
    def write(self, tmp_path):
        def put(frame):
            write_deltalake(tmp_path / "t", frame, mode="overwrite")
            return DeltaSource(Address("t", tmp_path))

        return put

    @pytest.fixture
    def nowhere(self, tmp_path):
        return DeltaSource(Address("none", tmp_path))


class TestDeltaObjects(SourceConformance):
    @pytest.fixture
    def write(self, store):
        name = f"d{next(NAMES)}"

        def put(frame):
            write_deltalake(f"s3://{BUCKET}/{name}", frame, mode="overwrite", storage_options={"aws_conditional_put": "etag"})
            return DeltaSource(Address(f"delta+s3://{BUCKET}/{name}", None))

        return put

    @pytest.fixture
    def nowhere(self, store):
        return DeltaSource(Address(f"delta+s3://{BUCKET}/none", None))


def test_a_folder_with_a_delta_log_is_a_delta_table_and_no_folder_of_parquet_files(tmp_path):
    write_deltalake(tmp_path / "t", FRAME)
    DeltaTable(tmp_path / "t").delete("a = 2")
    address = Address("t", tmp_path)
    assert kind_of(address) == "delta"
    assert DeltaSource(address).read()["a"].to_list() == [1, 3]
    assert ParquetSource(address).read().height > 2  # what is no longer of the table lies there still


def test_a_version_more_is_a_change_of_its_files(tmp_path):
    write_deltalake(tmp_path / "t", FRAME)
    before = DeltaSource(Address("t", tmp_path)).files
    write_deltalake(tmp_path / "t", FRAME, mode="append")
    assert len(DeltaSource(Address("t", tmp_path)).files) == len(before) + 1


def test_a_delta_table_whose_files_are_gone_or_whose_log_is_torn_is_said_so(tmp_path):
    write_deltalake(tmp_path / "t", FRAME)
    for path in (tmp_path / "t").glob("*.parquet"):
        path.unlink()
    with pytest.raises((MissingSource, UnreadableTable)):
        DeltaSource(Address("t", tmp_path)).read()
    [log] = DeltaSource(Address("t", tmp_path)).files
    log.write_text("{torn")
    with pytest.raises((MissingSource, UnreadableTable)):
        DeltaSource(Address("t", tmp_path)).read()


def test_what_is_not_there_is_said_and_not_called_unreadable(store):
    for source in (ParquetSource(Address("s3://rows/none.parquet", None)), ParquetSource(Address("s3://no-such-bucket/a.parquet", None))):
        with pytest.raises(MissingSource):
            source.read()


def test_a_later_object_may_lack_a_column_and_may_not_bring_one(store):
    store("m/1.parquet", parquet(FRAME))
    store("m/2.parquet", parquet(FRAME.select("a")))
    assert ParquetSource(Address("s3://rows/m/*.parquet", None)).read()["s"].to_list() == ["x", None, "z", None, None, None]
    store("m/2.parquet", parquet(FRAME.with_columns(more=pl.lit(1))))
    with pytest.raises(UnreadableTable):
        ParquetSource(Address("s3://rows/m/*.parquet", None)).read()


def test_a_csv_object_with_broken_quoting_is_unreadable_and_shows_no_value(store):
    store("broken.csv", b'a,b\n1,"secret\n2,3\n')
    with pytest.raises(UnreadableTable) as caught:
        CsvSource(Address("s3://rows/broken.csv", None)).read()
    assert "secret" not in str(caught.value)


@pytest.fixture
def refusing(monkeypatch):
    """A store that lets nobody in."""

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(403)
            self.end_headers()

        def do_HEAD(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name, value in {**SAID, "AWS_SECRET_ACCESS_KEY": "hush", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}.items():
        monkeypatch.setenv(name, value)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("url", ["s3://shut/a.parquet", "s3://shut/*.parquet", "s3://shut/a.csv", "delta+s3://shut/t"])
def test_a_store_that_lets_nobody_in_is_unreachable_and_no_key_is_shown(refusing, url):
    address = Address(url, None)
    source = {"parquet": ParquetSource, "csv": CsvSource, "delta": DeltaSource}[kind_of(address)](address)
    with pytest.raises(SourceUnreachable, match="refuses this user") as caught:
        source.read()
    assert caught.value.exit_code == 4
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)
