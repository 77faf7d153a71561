"""Each security scheme of the contract, with credentials that are good."""

import base64
import functools
import hashlib
import hmac
import itertools
import json
import secrets
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

import requests
import schemathesis
from schemathesis.auths import RequestsAuth

from world import management_token, people, settings

management = functools.cache(management_token)


class Signature(requests.auth.AuthBase):
    """Signs a request as the official SDKs do, once it is written; they write JSON as JavaScript does, without escapes."""

    def __call__(self, request):
        parameters = _parameters(request)
        request.headers.update({
            "date": formatdate(usegmt=True), "x-authing-signature-method": "HMAC-SHA1", "x-authing-signature-version": "1.0",
            "x-authing-signature-nonce": secrets.token_hex(16),
        })
        text = _to_sign(request, parameters).encode("utf-8", "replace")
        mac = hmac.new(settings["accessKeySecret"].encode(), text, hashlib.sha1)
        request.headers["authorization"] = f"authing {settings['accessKeyId']}:{base64.b64encode(mac.digest()).decode()}"
        return request


def _parameters(request):
    if request.method == "GET":
        return {name: values[0] for name, values in parse_qs(urlsplit(request.url).query, keep_blank_values=True).items()}
    try:
        body = json.loads(request.body or b"{}")
        written = _written(body).encode()
    except ValueError:  # no JSON, or no text in it: it stays as it is
        return {}
    request.body = written
    request.headers["Content-Length"] = str(len(written))
    if not isinstance(body, dict):
        return {}
    return {name: value if isinstance(value, str) else _written(value) for name, value in body.items()}


def _written(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _to_sign(request, parameters):
    signed = {n.lower(): v for n, v in request.headers.items() if n.lower() == "date" or n.lower().startswith("x-authing-")}
    lines = [request.method] + [f"{n}:{_text(signed[n])}" for n in sorted(signed)]
    pairs = sorted(parameters.items(), key=lambda pair: pair[0].encode("utf-16-be", "surrogatepass"))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return "\n".join(lines) + "\n" + urlsplit(request.url).path + ("?" + query if query else "")


def _text(value):
    return (value.decode("latin-1") if isinstance(value, bytes) else value).strip()


def _header(name, value):
    return lambda case: case.headers.__setitem__(name, value())


def _query_token(case):
    case.query["access_token"] = people.tokens()[0]


def _basic():
    pair = f"{settings['appId']}:{settings['appSecret']}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


schemes = {
    "AccessToken": _header("Access-Token", lambda: people.tokens()[0]),
    "RefreshToken": _header("Refresh-Token", lambda: people.tokens()[1]),
    "IThingsToken": _header("iThings-token", lambda: people.tokens()[0]),
    "UserToken": _header("authorization", lambda: people.tokens()[0]),
    "QueryToken": _query_token,
    "ManagementToken": _header("Authorization", lambda: "Bearer " + management()),
    "RequestSignature": lambda case: RequestsAuth(Signature()).set(case, None, None),
    "ApplicationBasic": _header("Authorization", _basic),
}


def renew(case):
    """Puts tokens of now in the place of those that were good when the case was made."""
    for container in (case.headers, case.query):
        for name, value in list(container.items()):
            if isinstance(value, str) and value in people.issued:
                container[name] = people.tokens()[people.issued[value]]


@schemathesis.auth(refresh_interval=None)
class Credentials:
    """Takes the schemes of an operation in turn; where a call may be anonymous, that is one of them."""

    def __init__(self):
        self._turn = itertools.count()

    def get(self, case, context):
        requirements = context.operation.definition.raw.get("security") or [{}]
        requirement = requirements[next(self._turn) % len(requirements)]
        return next(iter(requirement), None)

    def set(self, case, data, context):
        schemes[data](case)
