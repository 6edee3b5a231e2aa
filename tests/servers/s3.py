"""A simulated S3 for tests: started on loopback, configured as fsspec and boto are by users."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.paths import ROOT

KEY, SECRET = "AKIDFORTESTS", "thesecretofthetests"


@contextmanager
def s3_server(*options: str) -> Iterator[str]:
    """Yield the address of a store with a bucket, ``films``; skip where packages are missing."""
    for package in ("s3fs", "moto", "flask", "flask_cors"):
        pytest.importorskip(package, reason="needs pip install s3fs 'moto[s3,server]'")
    command = [sys.executable, "-W", "ignore", "-m", "tests.servers.s3_program", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def configuration(endpoint: str) -> dict[str, str]:
    """Return the environment with which a process reaches a store."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def s3_configured(*options: str) -> Iterator[Any]:
    """Yield fsspec's file system of a store that this process is configured for."""
    with s3_server(*options) as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in configuration(endpoint).items():
            patch.setenv(name, value)
        import fsspec

        files = fsspec.filesystem("s3", use_listings_cache=False, skip_instance_cache=True)
        files.clear_instance_cache()
        yield files
        files.clear_instance_cache()
