"""Values that nobody guesses. A request that is good gets some of them, so that it comes further than to a refusal."""

import base64
import collections
import hashlib
import hmac
import struct
import time
import zlib
from xml.sax.saxutils import escape

import requests
import schemathesis
import schemathesis.transport.requests  # noqa: F401  (registers its serializers, one of which is replaced)

from world import settings

# What requests call a thing, and its value: what the operator has handed out, and the newest that the service has told.
known = {
    "appId": settings["appId"], "client_id": settings["appId"], "client_secret": settings["appSecret"],
    "accessKeyId": settings["accessKeyId"], "accessKeySecret": settings["accessKeySecret"],
    "username": settings["username"], "account": settings["username"], "password": settings["password"],
    "grant_type": "refresh_token", "userId": settings["userId"],
}

# What answers call what requests call by another name.
renamed = {"refreshToken": "refresh_token", "access_token": "token", "accessToken": "token"}
learned = {
    "qrcodeId", "ticket", "mfaToken", "enrollmentToken", "factorId", "sessionId", "refresh_token", "token", "secret", "recoveryCode",
}
# Captchas and sent codes, by their use; and the operations by the use that they take.
captchas = {}
uses = {
    "loginWithCaptcha": "login", "registerWithCode": "register", "resetPassword": "forgetPwd", "changePassword": "changePwd",
    "bindAccount": "bindAccount",
}
# Who makes a user needs a name that nobody has.
makes_users = {"registerUser", "createUser"}
# The SDKs can send these; a user with one is refused.
unkept = {"departmentIds", "identityNumber", "metadataSource", "options", "salt", "tenantIds"}


def learn(operation, case, response):
    """Keeps what a client would keep of an answer."""
    if response.status_code != 200 or operation.startswith("getContract") or "json" not in response.headers.get("content-type", [""])[0]:
        return
    answer = response.json()
    if operation == "createCaptcha":
        if answer.get("code") == 0 and isinstance(case.body, dict):
            account = case.body.get("account") or case.body.get("data") or settings["username"]
            captchas[case.body["use"]] = {"codeID": answer["data"]["codeID"], "code": _newest_code(), "account": account}
        return
    before = known.get("qrcodeId")
    _walk(answer)
    if operation.endswith(("Fastpass", "FastpassStatus")):  # its ids are others
        known["fastpass"], known["qrcodeId"] = known.get("qrcodeId"), before


def _walk(value):
    if isinstance(value, list):
        for item in value[:3]:
            _walk(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            name = renamed.get(name, name)
            if isinstance(item, str) and name in learned:
                known[name] = item
            elif name in {"url", "qrCodeUri"} and isinstance(item, str):
                _read(item)
            _walk(item)


def _read(text):
    """What a phone reads in a QR code."""
    _, _, scan = text.partition("id=")
    if scan:
        known["id"] = scan
    _, _, secret = text.partition("secret=")
    if secret:
        known["secret"] = secret.partition("&")[0]


turns = collections.Counter()


def deepen(operation, case):
    """Makes every second good request such that it gets further."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    turns[operation] += 1
    if turns[operation] % 2 == 0:
        return
    draw = zlib.crc32(f"{operation} {turns[operation]}".encode())
    for name in ("x-authing-app-id", "x-authing-userpool-id"):
        case.headers.pop(name, None)
    if operation == "getUserInfo":
        case.query.clear()  # one's own account
    if operation.endswith("WechatPush"):
        _push(case, draw)
        return
    _fill(case.query, operation, draw)
    _fill(case.body, operation, draw)
    if not isinstance(case.body, dict):
        return
    if operation in makes_users:
        case.body["username"] = f"somebody{draw}"
    if operation == "createCaptcha":
        case.body["account"] = f"somebody{draw}@example.com" if case.body.get("type") == "email" else f"1380013{draw % 10**4:04}"
    if operation in uses:
        case.body.update(captchas.pop(uses[operation], {}))


def _fill(container, operation, draw):
    for item in container if isinstance(container, list) else []:
        _fill(item, operation, draw)
    if not isinstance(container, dict):
        return
    for name in list(container):
        if isinstance(container[name], (dict, list)):
            _fill(container[name], operation, draw)
        if name in unkept:
            del container[name]
        elif name in {"code", "passCode", "totp"}:
            container[name] = _code(operation, draw)
        elif name == "qrcodeId" and "astpass" in operation:
            container[name] = known.get("fastpass", container[name])
        elif name in known:
            container[name] = known[name]


def _code(operation, draw):
    """What the person reads: in WeChat or on an authenticator, where each code is good once."""
    if operation == "setWechatMiniprogramQRCodeStatus":
        return requests.get(settings["wechatLogin"], timeout=20).text
    return _totp(known["secret"], draw >> 1 & 1) if "secret" in known else "000000"


def _newest_code():
    return requests.get(settings["newestCode"], timeout=20).text


def _totp(secret, ahead):
    """RFC 6238, now or one time step ahead."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + ahead), hashlib.sha1)
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def _push(case, draw):
    """Signs what WeChat pushes, and makes its body a message."""
    parts = {"timestamp": str(int(time.time())), "nonce": f"{draw}{time.monotonic_ns()}"}
    signed = "".join(sorted([settings["pushToken"], *parts.values()]))
    case.query.update(parts, connection=settings["connection"], signature=hashlib.sha1(signed.encode()).hexdigest())
    if not isinstance(case.body, str):
        return
    text = escape("".join(c for c in case.body if c.isprintable()))
    told = f"<MsgType>text</MsgType><Content>{text}</Content>"
    if draw & 2:
        told = f"<MsgType>event</MsgType><Event>SCAN</Event><EventKey>{text}</EventKey>"
    case.body = f"<xml><ToUserName>gh</ToUserName><FromUserName>o{draw}</FromUserName><CreateTime>{parts['timestamp']}</CreateTime>{told}</xml>"


@schemathesis.serializer("application/xml", "text/xml")
def xml(context, value):
    """For the contract XML is a text, which is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
