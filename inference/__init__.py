"""Arrays in, dataclasses out: the models, without database, network, pages or settings."""

import sys
from typing import Any, cast

# OpenVINO reports every import and conversion to its maker unless its reporter cannot be found; what a factory does is
# nobody's business. Here, so that it is said before any module of ours imports OpenVINO.
cast("dict[str, Any]", sys.modules).setdefault("openvino_telemetry", None)
