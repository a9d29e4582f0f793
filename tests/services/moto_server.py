"""A second server that speaks S3, written by others and in another language than rclone: moto (Apache-2.0).

Its objects are in memory: what it held is gone when it stops. It checks every signature.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.services.servers import Server, ServerMissing

# So many calls are let in without a key: those that make the user, its key, its rights and the bucket.
_CALLS_BEFORE_KEYS = 4
_MODULES = ("moto", "flask", "flask_cors")


class MotoServer(Server):
    """moto's own server, with one user who may do everything in S3, and one bucket."""

    bucket = "inspection"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        missing = [name for name in _MODULES if importlib.util.find_spec(name) is None]
        if missing:
            raise ServerMissing(f"{', '.join(missing)} is not installed")
        self.access_key = ""
        self.secret_key = ""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str | Path]:
        return ["env", f"INITIAL_NO_AUTH_ACTION_COUNT={_CALLS_BEFORE_KEYS}", sys.executable, "-c",
                "import sys; from moto.server import main; main(sys.argv[1:])",
                "-H", "127.0.0.1", "-p", str(self.port)]  # fmt: skip

    def start(self) -> None:
        super().start()
        import boto3

        anyone = {"aws_access_key_id": "anyone", "aws_secret_access_key": "anyone", "region_name": "us-east-1"}
        people = boto3.client("iam", endpoint_url=self.endpoint, **anyone)
        people.create_user(UserName="geomsa")
        made = people.create_access_key(UserName="geomsa")["AccessKey"]
        self.access_key, self.secret_key = made["AccessKeyId"], made["SecretAccessKey"]
        allowed = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}
        people.put_user_policy(
            UserName="geomsa",
            PolicyName="objects",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        boto3.client("s3", endpoint_url=self.endpoint, **anyone).create_bucket(Bucket=self.bucket)
