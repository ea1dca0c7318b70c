# SPDX-License-Identifier: Apache-2.0
"""Keeps a run of schemathesis signed in (tests/contract/run): what would end the session of the
person it runs as - another role, another password, no account - happens to somebody else."""
import json
import os

import schemathesis

OWN = int(os.environ["CONTRACT_USER"])
OTHER = int(os.environ["CONTRACT_OTHER"])


@schemathesis.serializer("application/offset+octet-stream")
def offset_bytes(context, value):
    """Pieces of an upload (tus) are bytes as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


@schemathesis.hook
def before_call(context, case, **kwargs):
    parameters = case.path_parameters or {}
    if str(parameters.get("user_id")) == str(OWN) and case.method != "GET":
        case.path_parameters["user_id"] = OTHER
