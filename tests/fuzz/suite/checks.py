"""Checks that know what a refusal looks like in each dialect."""

import copy
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks as standard


credentials = {"access-token", "refresh-token", "ithings-token", "authorization", "access_token"}


def refused(response):
    """Whether an answer is a refusal, whatever its HTTP status."""
    if response.status_code >= 400:
        return True
    if "json" not in response.headers.get("content-type", [""])[0]:
        return False
    body = response.json()
    if not isinstance(body, dict):
        return False
    if isinstance(body.get("base"), dict):
        return body["base"]["code"] != 10000
    if "statusCode" in body:
        return body["statusCode"] != 200
    return "msg" in body and body.get("code", 0) != 0


def as_status(response):
    """The answer as it would be if refusals had statuses of their own; the status dialect tells them."""
    if response.status_code >= 300 or not refused(response):
        return response
    other = copy.copy(response)
    other.status_code = response.json().get("statusCode", 400)
    return other


@schemathesis.check
def broken_requests_are_refused(ctx, response, case):
    """negative_data_rejection, in all dialects; but for bad credentials, in whose place good ones were put."""
    changes = getattr(case.meta.phase.data, "mutations", None) if case.meta else None
    if changes and all((change.parameter or "").lower() in credentials for change in changes):
        return None
    return standard.negative_data_rejection(ctx, as_status(response), case)


guarded = set()


@schemathesis.check
def credentials_are_needed(ctx, response, case):
    """ignored_auth, in all dialects: what succeeded is refused without credentials, and with wrong ones."""
    requirements = case.operation.definition.raw.get("security") or [{}]
    if {} in requirements or refused(response) or case.operation.label in guarded:
        return
    for credential in (None, "wrong", "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc=", "authing wrong:wrong"):
        answer = Response.from_any(requests.Session().send(_with(credential, response.request), timeout=20))
        if not refused(answer):
            raise Unguarded(operation=case.operation.label, title="Credentials are not needed", message=f"{credential}: {answer.text}")
    guarded.add(case.operation.label)


def _with(credential, request):
    """The request with another credential in all the places where it had one."""
    request = request.copy()
    for name in ("Access-Token", "Refresh-Token", "iThings-token", "Authorization"):
        if request.headers.pop(name, None) is not None and credential is not None:
            request.headers[name] = credential
    url = urlsplit(request.url)
    query = [(name, value) for name, value in parse_qsl(url.query, keep_blank_values=True) if name != "access_token"]
    request.url = urlunsplit(url._replace(query=urlencode(query)))
    return request


class Unguarded(Failure):
    """An operation succeeds for who has no good credentials."""


@schemathesis.check
def headers_are_needed(ctx, response, case):
    """missing_required_header, in all dialects."""
    return standard.missing_required_header(ctx, as_status(response), case)


@schemathesis.check
def good_requests_are_understood(ctx, response, case):
    """positive_data_acceptance: what the contract allows may be refused, but not as what breaks the contract."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return None
    body = response.json()
    if body.get("code") == "request.invalid" and not body.get("detail", "").endswith(unsayable):
        raise Misunderstood(operation=case.operation.label, title="A good request was taken for one that breaks the contract", message=response.text)
    return None


# What the gate refuses and no schema can tell: problem details say which it was.
unsayable = ("a member comes twice", "a number is out of range", "is nested too deeply", "contains NUL", "is not UTF-8")


class Misunderstood(Failure):
    """A request that the contract allows is refused as one that breaks it."""
