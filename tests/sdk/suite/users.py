"""Users and their OTP secrets, as an administrator's program manages them; and the token that it gets for it."""

from authing.AuthingException import AuthingException
from menshen import PASSWORD, ask, data, equal, has, management, refused, settings, shaped, step

admin = management()
secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
other = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
identity = {
    "extIdpId": "62f20932716fbcc10d966ee5",
    "provider": "lark",
    "type": "generic",
    "userIdInIdp": "ou:8bae746eac07",
    "userInfoInIdp": {},
    "originConnIds": [],
}
required = {
    "userId": str, "createdAt": str, "updatedAt": str, "status": str, "workStatus": str, "gender": str,
    "emailVerified": bool, "phoneVerified": bool, "userSourceType": str,
}  # fmt: skip
alice, bob = {}, {}


@step("create a user")
def _():
    alice.update(shaped(data(admin.create_user(
        username="alice", email="alice+tag@example.com", phone="13800138000", phone_country_code="+86", external_id="crm:10010",
        name="爱丽丝", gender="F", password=PASSWORD, email_verified=True, phone_verified=False, custom_data={"school": "清华", "tags": ["a", 1]},
        identities=[identity], otp={"secret": secret, "recoveryCode": "e7ad-aaa4-da75-fa37-57d1-5141"},
    )), required))  # fmt: skip
    equal(
        (alice["name"], alice["emailVerified"], alice["phoneVerified"], alice["userSourceType"]),
        ("爱丽丝", True, False, "adminCreated"),
    )
    bob.update(shaped(data(admin.create_user(username="bob")), required))


@step("flags may be written as Python writes them")
def _():
    user = data(
        admin.get_user(
            alice["userId"],
            with_custom_data=True,
            with_identities=True,
            flat_custom_data=False,
            with_post=False,
            with_department_ids=True,
        )
    )
    equal(user["customData"], {"school": "清华", "tags": ["a", 1]})
    equal(user["identities"][0]["userIdInIdp"], "ou:8bae746eac07")
    user = data(admin.get_user(alice["userId"], with_custom_data=False, with_identities=False))
    assert "customData" not in user and "identities" not in user, user


names = {
    "user_id": lambda: alice["userId"],
    "username": lambda: "alice",
    "email": lambda: "alice+tag@example.com",
    "phone": lambda: "+8613800138000",
    "external_id": lambda: "crm:10010",
    "identity": lambda: "62f20932716fbcc10d966ee5:ou:8bae746eac07",
    "sync_relation": lambda: "lark:ou:8bae746eac07",
}
for kind, name in names.items():

    @step(f"find user and secret by {kind}")
    def _():
        equal(data(admin.get_user(name(), user_id_type=kind))["userId"], alice["userId"])
        has(data(admin.get_otp_secret_by_user(name(), user_id_type=kind)), {"secret": secret})
        equal(data(admin.get_user_mfa_info(name(), user_id_type=kind))["totpStatus"], "enabled")


@step("an id is one of ours when nothing is said of it")
def _():
    has(data(admin.get_otp_secret_by_user(alice["userId"])), {"secret": secret})
    refused(admin.get_otp_secret_by_user("alice"), 404, 2004)


@step("who has which factors")
def _():
    disabled = {"totpStatus": "disabled", "faceMfaStatus": "disabled", "smsMfaStatus": "disabled", "emailMfaStatus": "disabled"}
    has(data(admin.get_user_mfa_info(alice["userId"])), {**disabled, "totpStatus": "enabled"})
    has(data(admin.get_user_mfa_info(bob["userId"])), disabled)
    refused(admin.get_otp_secret_by_user(bob["userId"]), 404)


@step("import an authenticator")
def _():
    equal(
        data(
            admin.import_otp(
                [{"userId": bob["userId"], "otp": {"secret": other, "recoveryCode": "aaaa-bbbb-cccc-dddd-eeee-ffff"}}]
            )
        ),
        None,
    )
    has(data(admin.get_otp_secret_by_user(bob["userId"])), {"secret": other})
    refused(admin.import_otp([{"userId": bob["userId"], "otp": {"secret": secret}}]), 409)
    refused(admin.import_otp([{"userId": "nobody", "otp": {"secret": secret}}]), 404, 2004)


@step("what is taken is told by its number")
def _():
    refused(admin.create_user(username="Alice"), 409, 2034)
    refused(admin.create_user(email="alice+tag@EXAMPLE.com"), 409, 2200)
    refused(admin.create_user(phone="138 0013 8000"), 409, 2035)
    refused(admin.create_user(username="carol", external_id="crm:10010"), 409, 2026)


@step("what would not be kept is refused")
def _():
    refused(admin.create_user(username="carol", department_ids=["a"]), 422)
    refused(admin.create_user(username="carol", options={"keepPassword": False}), 422)


@step("the management token says whose it is")
def _():
    provider = management().http_client.token_provider
    token, userpool_id = provider.get_access_token()
    equal(userpool_id, settings["userpoolId"])
    equal(provider.get_access_token()[0], token)  # it is kept until it expires


@step("a wrong access key gets none")
def _():
    for wrong in ({"access_key_secret": "guessed"}, {"access_key_id": "somebody"}):
        try:
            management(**wrong).get_user(alice["userId"])
        except AuthingException as refusal:
            equal((refusal.statusCode, refusal.apiCode), (401, 1300))
        else:
            raise AssertionError(f"{wrong} was good enough")


@step("answers are in the language that is asked for")
def _():
    assert "user" in management(lang="en-US").get_user("nobody")["message"]
    assert "用户" in management(lang="zh-CN").get_user("nobody")["message"]


@step("a management token ends when its time is up")
def _():
    ask("wait", "121m")
    refused(admin.get_user(alice["userId"]), 401, 2020)
    equal(data(management().get_user(alice["userId"]))["userId"], alice["userId"])
