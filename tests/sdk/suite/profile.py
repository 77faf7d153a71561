"""What a user sees of itself."""

from menshen import application, data, equal, management, person, refused, signed_in, step, tokens

alice = person("alice", name="爱丽丝", custom_data={"school": "清华"})
web = signed_in(tokens("alice")["access_token"])


@step("the profile, as an administrator sees it")
def _():
    user = data(web.get_profile())
    equal((user["userId"], user["name"]), (alice["userId"], "爱丽丝"))
    assert "customData" not in user and "identities" not in user, user
    equal(user, data(management().get_user(alice["userId"])))


@step("flags may be written as Python writes them")
def _():
    user = data(web.get_profile(with_custom_data=True, with_identities=True, with_department_ids=True))
    equal(user["customData"], {"school": "清华"})
    assert "customData" not in data(web.get_profile(with_custom_data=False, with_identities=False, with_department_ids=False))


@step("who is not signed in has none")
def _():
    refused(application().get_profile(), 401, 2020)
