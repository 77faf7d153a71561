"""The fastpass as the app on the phone and the page follow it: for which applications it is good, and what became of it."""

from menshen import application, ask, data, equal, person, refused, settings, shaped, signed_in, step, tokens

person("alice", name="Alice")
web = signed_in(tokens("alice")["access_token"])
phone = application()
at = {}


def poll():
    status = {"status": str, "ticket": (str, None), "briefUserInfo": (dict, None), "tokenSet": (dict, None)}
    return shaped(data(web.get_qr_code_status(at["qrcodeId"])), status)


@step("nobody has scanned it")
def _():
    at.update(data(web.gene_fastpass_qrcode_info()))
    equal(poll()["status"], "PENDING")


@step("the phone asks for which applications it is good, which is the scan")
def _():
    apps = data(phone.get_fastpass_params(qrcode_id=at["qrcodeId"], app_id=at["appId"]))["relationApps"]
    for app in apps:
        shaped(app, {"id": str, "name": str, "logo": (str, None)})
    assert settings["appId"] in [app["id"] for app in apps], apps
    equal(poll()["status"], "SCANNED")


@step("the phone signs in, and the page learns it")
def _():
    data(phone.qr_code_app_login(action="APP_LOGIN", qrcode_id=at["qrcodeId"]))
    equal(poll()["status"], "AUTHORIZED")


@step("an old one is EXPIRED, one that there never was is an error")
def _():
    at.update(data(web.gene_fastpass_qrcode_info()))
    ask("wait", "61s")
    equal(poll()["status"], "EXPIRED")
    refused(web.get_qr_code_status("never"), 404, 2241)
