"""Tokens after the sign-in: renewed, looked into, revoked, and asked whose they are. The answers are those of the standards."""

from menshen import application, ask, data, equal, person, settings, shaped, signed_in, step, tokens

alice = person("alice", name="Alice", nickname="Ally", email="alice@example.com")


def proved_by(method, **options):
    return application(
        token_endpoint_auth_method=method,
        introspection_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        **options,
    )


post = proved_by("client_secret_post")
guessed = proved_by("client_secret_post")
guessed.app_secret = "guessed"
renewed = {"access_token": str, "id_token": str, "refresh_token": str, "token_type": str, "expires_in": int}


def failed(answer, error):
    assert isinstance(answer["error_description"], str), answer
    equal(answer["error"], error)


for client, method in ((post, "client_secret_post"), (proved_by("client_secret_basic"), "client_secret_basic")):

    @step(f"renew tokens, {method}")
    def _():
        old = tokens("alice")
        token_set = shaped(client.get_new_access_token_by_refresh_token(old["refresh_token"]), renewed)
        equal(token_set["token_type"].lower(), "bearer")
        claims = client.introspect_token_offline(token_set["access_token"])
        equal((claims["sub"], claims["exp"] - claims["iat"]), (alice["userId"], token_set["expires_in"]))
        equal(client.introspect_token_offline(token_set["id_token"])["sub"], alice["userId"])
        shaped(client.get_new_access_token_by_refresh_token(token_set["refresh_token"]), renewed)
        failed(client.get_new_access_token_by_refresh_token(old["refresh_token"]), "invalid_grant")

    @step(f"look into tokens, {method}")
    def _():
        token_set = tokens("alice")
        seen = shaped(
            client.introspect_token(token_set["access_token"]), {"active": bool, "sub": str, "exp": int, "iat": int, "scope": str}
        )
        equal((seen["active"], seen["sub"], seen["aud"]), (True, alice["userId"], settings["appId"]))
        equal(client.introspect_token(token_set["refresh_token"])["active"], True)
        equal(client.introspect_token("not a token"), {"active": False})

    @step(f"revoke tokens, {method}")
    def _():
        for kind in ("access_token", "refresh_token"):
            token_set = tokens("alice")
            equal(client.revoke_token(token_set[kind]), True)
            equal(client.introspect_token(token_set[kind]), {"active": False})
            failed(client.get_new_access_token_by_refresh_token(token_set["refresh_token"]), "invalid_grant")


@step("an application that does not prove itself gets nothing")
def _():
    token_set = tokens("alice")
    for client in (guessed, proved_by("none")):
        failed(client.get_new_access_token_by_refresh_token(token_set["refresh_token"]), "invalid_client")
        failed(client.introspect_token(token_set["access_token"]), "invalid_client")
        client.revoke_token(token_set["access_token"])  # True, whatever the answer is
    equal(post.introspect_token(token_set["access_token"])["active"], True)


@step("grants that there are not are refused as the standard says")
def _():
    client = proved_by("client_secret_post", redirect_uri="https://example.com/callback")
    failed(client.get_access_token_by_code("code"), "unsupported_grant_type")


@step("a request that lacks something is refused as the standard says")
def _():
    failed(post.get_new_access_token_by_refresh_token(None), "invalid_request")
    failed(post.introspect_token(None), "invalid_request")


@step("whose token it is")
def _():
    claims = shaped(post.get_user_info_by_access_token(tokens("alice")["access_token"]), {"sub": str, "updated_at": (str, None)})
    equal((claims["sub"], claims["name"], claims["nickname"]), (alice["userId"], "Alice", "Ally"))
    failed(post.get_user_info_by_access_token("not a token"), "invalid_token")


@step("a session that was revoked is over everywhere")
def _():
    token = tokens("alice")["access_token"]
    equal(data(signed_in(token).list_enrolled_factors()), [])
    post.revoke_token(token)
    equal(signed_in(token).list_enrolled_factors()["apiCode"], 2020)


@step("a public application goes without its secret, but for looking into tokens")
def _():
    ask("make public", settings["appId"])
    client = proved_by("none")
    token_set = shaped(client.get_new_access_token_by_refresh_token(tokens("alice")["refresh_token"]), renewed)
    failed(client.introspect_token(token_set["access_token"]), "invalid_client")
    equal(client.revoke_token(token_set["refresh_token"]), True)
    equal(signed_in(token_set["access_token"]).list_enrolled_factors()["apiCode"], 2020)
