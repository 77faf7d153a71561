"""What Schemathesis loads: who calls, how deep a request gets, what is checked, and what became of it."""

import atexit
import collections
import json
import zlib

import schemathesis

import checks
import credentials
import depth
from world import people, problem, settings

# Success at these may end the session.
ends_sessions = {"revokeMySession", "changePassword", "resetPassword", "revokeToken"}

figures = {
    "cases": collections.Counter(), "successes": collections.Counter(), "phases": collections.Counter(), "checks": 0,
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Says of events what OpenAPI 3.0 has no words for: their data is JSON of the schemas of x-menshen-events."""
    for item in raw_schema["paths"].values():
        for operation in item.values():
            media = operation.get("responses", {}).get("200", {}).get("content", {}).get("text/event-stream")
            if media:
                events = media["x-menshen-events"]
                assert len(events) == 1, "more than one kind of event: tell them apart by name"
                data = {"contentMediaType": "application/json", "contentSchema": {"$ref": next(iter(events.values()))}}
                media["schema"] = {"required": ["data", "event", "id"], "properties": {"event": {"enum": list(events)}, "data": data}}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Half of the clients ask for problem details. Which is told by the request alone, so that a seed gives the same run."""
    credentials.renew(case)
    depth.deepen(case.operation.definition.raw["operationId"], case)
    if zlib.crc32(repr((case.path, case.query, case.body)).encode("utf-8", "replace")) % 2:
        case.headers.setdefault("Accept", problem)


@schemathesis.hook
def after_call(context, case, response):
    operation = case.operation.definition.raw["operationId"]
    refused = checks.refused(response)
    figures["cases"][operation] += 1
    figures["phases"][case.meta.phase.name.value if case.meta else "other"] += 1
    figures["successes"][operation] += not refused
    depth.learn(operation, case, response)
    access, refresh = (response.headers.get(name, [None])[0] for name in ("access-token", "refresh-token"))
    if access and "Refresh-Token" in case.headers:
        people.renewed(access, refresh)
    if people.sent_by(case) and (b"sign in again" in response.content or operation in ends_sessions and not refused):
        people.leave()


@schemathesis.check
def count(context, response, case):
    """Not a check: counts them."""
    figures["checks"] += len(context._checks) - 1


@atexit.register
def _write_figures():
    with open(settings["figures"], "w") as file:
        json.dump(figures, file)
