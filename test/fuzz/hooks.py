"""The oracle of rights: who may do what stands in docs/rights.md, which a real API server has told."""

import json
import os

import schemathesis
from schemathesis.core.media_types import YAML_MEDIA_TYPES

ROLE = os.environ["CAPSTAN_FUZZ_ROLE"]
with open(os.environ["CAPSTAN_FUZZ_RIGHTS"], encoding="utf-8") as file:
    ALLOWED = json.load(file)


@schemathesis.check
def rights(ctx, response, case):
    """Who may not is told so, or is told what is wrong with the request; never is it done."""
    allowed = ALLOWED.get(f"{case.method.upper()} {case.path}")
    if allowed is None:
        return
    status = response.status_code
    if not allowed and status < 400:
        raise AssertionError(f"{ROLE} may not do this, and it was answered with {status}")
    if ROLE == "none" and not allowed and status not in (401, 405, 408, 429, 431):
        raise AssertionError(f"without a token this is answered with {status}")


@schemathesis.deserializer(*YAML_MEDIA_TYPES)
def yaml_as_text(ctx, response):
    """The export is many documents, of which the schema says that they are a text; schemathesis reads one alone and ends its thread."""
    return response.content.decode()


@schemathesis.hook
def filter_query(ctx, query):
    """
    A URL has texts alone. Null in it is the text "null", which is a namespace like others; an empty list or object is not in it at
    all, so that the request that is sent has no fault though the one that was made up has.
    """
    return not any(says_nothing(value) for value in (query or {}).values())


def says_nothing(value):
    if isinstance(value, dict):
        value = list(value.values())
    return value is None or (isinstance(value, list) and all(says_nothing(one) for one in value))
