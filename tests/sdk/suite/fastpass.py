"""Signing a phone in from the web. What the page gets is what it puts into a QR code."""

from authing import AuthenticationClient
from menshen import (
    TOKEN_SET,
    application,
    ask,
    data,
    equal,
    management,
    person,
    refused,
    settings,
    shaped,
    signed_in,
    step,
    tokens,
)

alice = person("alice")
web = signed_in(tokens("alice")["access_token"])
phone = application()
at = {}


@step("the page gets what it shows, with options or without")
def _():
    at.update(data(web.gene_fastpass_qrcode_info()))
    at.update(data(web.gene_fastpass_qrcode_info(options={"scope": "openid profile", "customData": {"school": "pku"}})))
    user = {"id": str, "displayName": str, "photo": str}
    shaped(at, {"scene": str, "qrcodeId": str, "apiHost": str, "appId": str, "user": dict, "userpool": dict})
    shaped(at["user"], user)
    shaped(at["userpool"], user)
    equal((at["appId"], at["user"]["id"], at["userpool"]["id"]), (settings["appId"], alice["userId"], settings["userpoolId"]))


@step("the phone signs in where the code says")
def _():
    there = AuthenticationClient(app_id=at["appId"], app_host=at["apiHost"])
    token_set = shaped(data(there.qr_code_app_login(action="APP_LOGIN", qrcode_id=at["qrcodeId"])), TOKEN_SET)
    equal(there.introspect_token_offline(token_set["access_token"])["sub"], alice["userId"])
    equal(data(management().get_user(alice["userId"], with_custom_data=True))["customData"], {"school": "pku"})


@step("a code is good once")
def _():
    refused(phone.qr_code_app_login(action="APP_LOGIN", qrcode_id=at["qrcodeId"]), 403, 2241)


@step("an old code is refused")
def _():
    at.update(data(web.gene_fastpass_qrcode_info()))
    ask("wait", "61s")
    refused(phone.qr_code_app_login(action="APP_LOGIN", qrcode_id=at["qrcodeId"]), 403, 2241)


@step("who is not signed in gets none")
def _():
    refused(phone.gene_fastpass_qrcode_info(), 401, 2020)
