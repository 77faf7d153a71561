"""What there is in this run: addresses, keys, and people who are signed in."""

import itertools
import json
import os
import threading

import requests

settings = json.loads(os.environ["MENSHEN_FUZZ_WORLD"])
url = settings["url"]
problem = "application/problem+json"


class People:
    """Somebody who is signed in. Whoever is signed out on the way is followed by somebody new."""

    def __init__(self):
        self._lock = threading.Lock()
        self._number = itertools.count()
        self._tokens = None
        self.issued = {}  # which of the two a token is, for all that there have been

    def tokens(self):
        """An access token and a refresh token that are good."""
        with self._lock:
            if self._tokens is None:
                self._keep(*self._sign_up())
            return self._tokens

    def _keep(self, access, refresh):
        self._tokens = access, refresh
        self.issued |= {access: 0, refresh: 1}

    def renewed(self, access, refresh):
        """Takes the pair that followed upon a refresh token."""
        with self._lock:
            self._keep(access, refresh)

    def sent_by(self, case):
        """Whether a case carries the tokens of now."""
        return any(value in (self._tokens or ()) for value in [*case.headers.values(), *case.query.values()])

    def leave(self):
        """Forgets who was signed in."""
        with self._lock:
            self._tokens = None

    def _sign_up(self):
        person = {"username": f"person{next(self._number)}", "password": settings["password"]}
        requests.post(url + "/user/register", json=person, timeout=30).raise_for_status()
        answer = requests.post(url + "/user/login", json=person, timeout=30)
        return answer.headers["Access-Token"], answer.headers["Refresh-Token"]


people = People()


def management_token():
    """A token for the access key."""
    key = {"accessKeyId": settings["accessKeyId"], "accessKeySecret": settings["accessKeySecret"]}
    return requests.post(url + "/api/v3/get-management-token", json=key, timeout=30).json()["data"]["access_token"]
