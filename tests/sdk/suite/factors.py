"""Authenticators, as their user binds and removes them."""

from urllib.parse import parse_qs, urlsplit

from menshen import PASSWORD, application, ask, data, equal, has, management, person, refused, shaped, signed_in, step, tokens

alice = person("alice")
web = signed_in(tokens("alice")["access_token"])
at = {}


def enroll(code):
    return web.enroll_factor(enrollment_data={"passCode": code}, enrollment_token=at["enrollmentToken"], factor_type="OTP")


@step("nothing is bound, and an authenticator can be")
def _():
    equal(data(web.list_enrolled_factors()), [])
    equal(data(web.list_factors_to_enroll()), [{"factorType": "OTP"}])


@step("ask for an authenticator: the picture says what the URI says")
def _():
    at.update(
        shaped(data(web.send_enroll_factor_request(profile={}, factor_type="OTP")), {"enrollmentToken": str, "otpData": dict})
    )
    otp = shaped(at["otpData"], {"qrCodeUri": str, "qrCodeDataUrl": str, "recoveryCode": str})
    equal(ask("scan", otp["qrCodeDataUrl"]), otp["qrCodeUri"])
    at["secret"] = parse_qs(urlsplit(otp["qrCodeUri"]).query)["secret"][0]


@step("a wrong code binds nothing, its own does")
def _():
    refused(enroll(ask("guess", at["secret"])), 403, 6001)
    data(enroll(ask("code", at["secret"])))


@step("it is listed, and found by its id")
def _():
    (factor,) = data(web.list_enrolled_factors())
    shaped(factor, {"factorId": str, "factorType": str, "profile": dict})
    equal(data(web.get_factor(factor["factorId"])), factor)
    at["factorId"] = factor["factorId"]
    has(data(management().get_otp_secret_by_user(alice["userId"])), {"secret": at["secret"]})


@step("a sign-in now waits for a code")
def _():
    refused(application().sign_in_by_username_password("alice", PASSWORD), 403, 1635)


@step("without a fresh code it is not removed")
def _():
    ask("wait", "6m")
    refused(web.reset_factor(at["factorId"]), 403, 1635)


@step("a right code is verified, once")
def _():
    code = ask("code", at["secret"])
    has(data(web.mfa_otp_verify(code)), {"verified": True})
    refused(web.mfa_otp_verify(code), 403, 6001)
    refused(web.mfa_otp_verify(ask("guess", at["secret"])), 403, 6001)


@step("with one it is removed")
def _():
    data(web.reset_factor(at["factorId"]))
    equal(data(web.list_enrolled_factors()), [])


@step("factors that there are not are refused")
def _():
    refused(web.send_enroll_factor_request(profile={"phoneNumber": "13800138000"}, factor_type="SMS"), 422)


@step("who is not signed in has no factors")
def _():
    refused(application().list_enrolled_factors(), 401, 2020)
