"""What every script for Python needs: its Menshen, the SDK's clients for it, and steps."""

import json
import sys
import traceback

from authing import AuthenticationClient, ManagementClient


def _write(line):
    print(json.dumps(line), flush=True)


settings = json.loads(sys.stdin.readline())
url = settings["url"]


def ask(what, of):
    _write({"ask": what, "of": of})
    return json.loads(sys.stdin.readline())


def step(name):
    """Takes the function as a step at once. One that fails does not keep the next from trying."""

    def take(function):
        try:
            function()
            _write({"step": name, "ok": True})
        except Exception:
            _write({"step": name, "ok": False, "detail": traceback.format_exc()})

    return take


def application(**options):
    """As one browser, phone or backend of the application."""
    return AuthenticationClient(app_id=settings["appId"], app_host=url, app_secret=settings["appSecret"], **options)


def signed_in(access_token):
    client = application()
    client.set_access_token(access_token)
    return client


def management(**options):
    return ManagementClient(
        **{"access_key_id": settings["accessKeyId"], "access_key_secret": settings["accessKeySecret"], "host": url, **options}
    )


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def data(answer):
    """The data of a success."""
    assert answer["statusCode"] == 200 and "apiCode" not in answer, answer
    assert isinstance(answer["message"], str), answer
    return answer.get("data")


def shaped(obj, shape):
    """Checks what the SDK documents of an object: each member's type, None in it for one that may be missing."""
    assert isinstance(obj, dict), obj
    for name, kind in shape.items():
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if name not in obj and None in kinds:
            continue
        assert type(obj[name]) in kinds, f"{name} of {obj}"
    return obj


def has(obj, members):
    """Checks members of an answer, beside others that the SDK does not know; None is for one that must not be there."""
    equal({name: obj.get(name) for name in members}, members)


def refused(answer, status_code, api_code=None):
    """A refusal of the operation."""
    assert (answer["statusCode"], answer.get("apiCode")) == (status_code, api_code), answer
    assert isinstance(answer["message"], str) and "data" not in answer, answer
    return answer


TOKEN_SET = {
    "access_token": (str, None),
    "id_token": (str, None),
    "refresh_token": (str, None),
    "scope": (str, None),
    "token_type": str,
    "expire_in": int,
}

PASSWORD = "correct horse battery staple"


def person(username, **more):
    """A user, made as an administrator makes one."""
    return data(management().create_user(username=username, password=PASSWORD, **more))


def tokens(username):
    """The tokens of somebody who signs in without more than a password."""
    return shaped(
        data(application(token_endpoint_auth_method="client_secret_post").sign_in_by_username_password(username, PASSWORD)),
        TOKEN_SET,
    )
