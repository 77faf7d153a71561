"""Signing the web in from a phone: both ends speak through the SDK, which knows the older names only."""

import json

from menshen import (
    TOKEN_SET,
    application,
    ask,
    data,
    equal,
    has,
    management,
    person,
    refused,
    settings,
    shaped,
    signed_in,
    step,
    tokens,
)

alice = person("alice", name="Alice", photo="https://example.com/alice.png")
page = application()
phone = signed_in(tokens("alice")["access_token"])
credentials = {"client_id": settings["appId"], "client_secret": settings["appSecret"]}
at = {}


def show(**more):
    at.update(
        shaped(data(page.gene_qr_code(type="MOBILE_APP", **more)), {"qrcodeId": str, "url": str, "customLogoUrl": (str, None)})
    )


def poll():
    shape = {"status": str, "ticket": (str, None), "briefUserInfo": (dict, None), "tokenSet": (dict, None)}
    return shaped(data(page.check_qr_code_status(at["qrcodeId"])), shape)


def scanned():
    return json.loads(ask("scan", at["url"]))["qrcodeId"]


@step("a page shows a code")
def _():
    show(custom_data={"school": "hust"})
    has(poll(), {"status": "PENDING", "ticket": None, "briefUserInfo": None})


@step("a phone scans the picture, and the page sees who")
def _():
    data(phone.change_qr_code_status(action="SCAN", qrcode_id=scanned()))
    status = poll()
    has(status, {"status": "SCANNED", "ticket": None})
    has(status["briefUserInfo"], {"displayName": "Alice", "photo": "https://example.com/alice.png"})


@step("the phone confirms, and the page gets a ticket")
def _():
    data(phone.change_qr_code_status(action="CONFIRM", qrcode_id=scanned()))
    status = poll()
    equal(status["status"], "AUTHORIZED")
    at["ticket"] = status["ticket"]


@step("the backend exchanges the ticket")
def _():
    token_set = shaped(data(page.exchange_token_set_with_qr_code_ticket(at["ticket"], **credentials)), TOKEN_SET)
    equal(page.introspect_token_offline(token_set["access_token"])["sub"], alice["userId"])
    at["web"] = signed_in(token_set["access_token"])
    equal(data(at["web"].list_enrolled_factors()), [])


@step("the custom data of the code is now the user's")
def _():
    equal(data(management().get_user(alice["userId"], with_custom_data=True))["customData"], {"school": "hust"})


@step("a ticket is good once, and its second use ends the session of the first")
def _():
    refused(page.exchange_token_set_with_qr_code_ticket(at["ticket"], **credentials), 403)
    refused(at["web"].list_enrolled_factors(), 401, 2020)


@step("a backend without the secret gets nothing")
def _():
    show()
    phone.change_qr_code_status(action="SCAN", qrcode_id=scanned())
    phone.change_qr_code_status(action="CONFIRM", qrcode_id=scanned())
    refused(page.exchange_token_set_with_qr_code_ticket(poll()["ticket"]), 401)
    refused(
        page.exchange_token_set_with_qr_code_ticket(poll()["ticket"], client_id=settings["appId"], client_secret="guessed"), 401
    )


@step("a phone that passes on the id of the page may do so, and may cancel")
def _():
    show()
    data(phone.change_qr_code_status(action="SCAN", qrcode_id=at["qrcodeId"]))
    data(phone.change_qr_code_status(action="CANCEL", qrcode_id=at["qrcodeId"]))
    equal(poll()["status"], "CANCELLED")


@step("to confirm before the scan is refused")
def _():
    show()
    refused(phone.change_qr_code_status(action="CONFIRM", qrcode_id=scanned()), 422)


@step("to scan one must be signed in")
def _():
    refused(page.change_qr_code_status(action="SCAN", qrcode_id=scanned()), 401, 2020)


@step("what is in the picture asks for no status")
def _():
    refused(page.check_qr_code_status(scanned()), 404, 2241)


@step("an old code is EXPIRED, which is no error")
def _():
    ask("wait", "121s")
    has(poll(), {"status": "EXPIRED", "ticket": None})


@step("WeChat is refused, and members for it are passed over elsewhere")
def _():
    refused(
        page.gene_qr_code(
            type="WECHAT_OFFICIAL_ACCOUNT", ext_idp_conn_id="62eb7ed1f04c6955b329", context={"a": "b"}, auto_merge_qr_code=False
        ),
        422,
    )
    show(ext_idp_conn_id="62eb7ed1f04c6955b329", context={"a": "b"}, auto_merge_qr_code=False)
