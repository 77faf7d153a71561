"""Signing in with a password: all wrappers of the SDK."""

from menshen import PASSWORD, TOKEN_SET, application, ask, data, equal, person, refused, shaped, signed_in, step

alice = person("alice", email="alice@example.com", phone="13800138000", phone_country_code="+86")
person("bob", otp={"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"})
client = application(token_endpoint_auth_method="client_secret_post")


def signs_in(answer):
    token_set = shaped(data(answer), {**TOKEN_SET, "access_token": str, "id_token": str, "refresh_token": str, "scope": str})
    equal(client.introspect_token_offline(token_set["id_token"])["sub"], alice["userId"])
    equal(data(signed_in(token_set["access_token"]).list_enrolled_factors()), [])


@step("account and password")
def _():
    signs_in(client.sign_in_by_account_password("alice", PASSWORD))
    signs_in(client.sign_in_by_account_password("alice@example.com", PASSWORD))
    signs_in(client.sign_in_by_account_password("13800138000", PASSWORD))


@step("user name and password")
def _():
    signs_in(client.sign_in_by_username_password("alice", PASSWORD))


@step("e-mail address and password")
def _():
    signs_in(client.sign_in_by_email_password("alice@example.com", PASSWORD))


@step("phone number and password")
def _():
    signs_in(client.sign_in_by_phone_password("13800138000", PASSWORD))


# The SDK means to send HTTP Basic where it is told to, and sends nothing.
for method in ("client_secret_basic", "none", None):

    @step(f"an application that does not prove itself, {method}")
    def _():
        signs_in(application(token_endpoint_auth_method=method).sign_in_by_account_password("alice", PASSWORD))


@step("the scope that is asked for is the scope that is given")
def _():
    token_set = data(client.sign_in_by_account_password("alice", PASSWORD, options={"scope": "openid email"}))
    equal(token_set["scope"], "openid email")
    assert "refresh_token" not in token_set
    equal(client.introspect_token_offline(token_set["id_token"])["email"], "alice@example.com")


@step("a wrong password is a refusal")
def _():
    refused(client.sign_in_by_account_password("alice", "wrong"), 403, 2333)
    refused(client.sign_in_by_account_password("nobody", PASSWORD), 403, 2333)


@step("a wrong secret of the application signs nobody in")
def _():
    client = application(token_endpoint_auth_method="client_secret_post")
    client.app_secret = "guessed"
    refused(client.sign_in_by_account_password("alice", PASSWORD), 401)


@step("who has an authenticator is told that a code comes next")
def _():
    answer = refused(client.sign_in_by_username_password("bob", PASSWORD), 403, 1635)
    shaped(answer["mfaTriggerData"], {"mfaToken": str, "totpMfaEnabled": bool, "applicationMfa": list})
    assert "mfaTriggerData" not in refused(client.sign_in_by_username_password("bob", "wrong"), 403, 2333)


@step("connections that there are not are refused")
def _():
    refused(client.sign_in_by_email_passcode("alice@example.com", "123456"), 422)
    refused(client.sign_in_by_ldap("alice", PASSWORD), 422)


@step("a session ends when its time is up")
def _():
    token = data(client.sign_in_by_username_password("alice", PASSWORD))["access_token"]
    ask("wait", "16m")
    refused(signed_in(token).list_enrolled_factors(), 401, 2020)
