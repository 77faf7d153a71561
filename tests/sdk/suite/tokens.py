"""Tokens verified with the keys that Menshen publishes: by whoever gets one, without asking."""

import base64
import json

import jwt
from menshen import application, equal, person, settings, shaped, step, tokens

alice = person("alice", name="Alice", email="alice@example.com")
client = application()
token_set = tokens("alice")


@step("the access token")
def _():
    claims = shaped(
        client.introspect_token_offline(token_set["access_token"]),
        {"sub": str, "iat": int, "exp": int, "scope": str, "iss": str, "aud": str},
    )
    equal((claims["sub"], claims["aud"], claims["scope"]), (alice["userId"], settings["appId"], token_set["scope"]))
    equal(claims["exp"] - claims["iat"], token_set["expire_in"])


@step("the ID token")
def _():
    claims = client.introspect_token_offline(token_set["id_token"])
    equal((claims["sub"], claims["aud"], claims["name"]), (alice["userId"], settings["appId"], "Alice"))


@step("keys that were fetched before do as well")
def _():
    keys = client.protocol_http_client.request("GET", "/oidc/.well-known/jwks.json")
    equal(client.introspect_token_offline(token_set["access_token"], server_jwks=keys)["sub"], alice["userId"])


def rejected(client, token, reason):
    try:
        client.introspect_token_offline(token)
    except reason:
        return
    raise AssertionError(f"not {reason.__name__}")


@step("a changed token is none")
def _():
    header, payload, signature = token_set["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "somebody else"}).encode()).decode().rstrip("=")
    rejected(client, ".".join((header, forged, signature)), jwt.InvalidSignatureError)


@step("a token for one application is none for another")
def _():
    other = application()
    other.app_id = "another"
    rejected(other, token_set["access_token"], jwt.InvalidAudienceError)
