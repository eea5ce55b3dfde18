"""The API under attack: keys that reach beyond their scope, bodies made to exhaust, reports that carry scripts."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from pyotp.totp import TOTP
from tests.faces.api.conftest import PASSWORD

from jingwei.core.errors import JingweiError
from jingwei.core.identity import PLATFORM, Denied
from jingwei.detect import Bundle
from jingwei.manage.system_file import read_system


def test_a_key_of_one_scope_does_nothing_else(here):
    with here.platform.work(PLATFORM, "test") as work:
        here.keys["narrow"] = work.keys.make(
            "n", scopes=frozenset({"run.start"}), account_id=here.people["system_owner"]
        ).key
    system_id = here.registered("narrow scope")
    for method, path, body in (
        ("POST", "/systems", here.file("other")), ("PATCH", f"/systems/{system_id}", {"purpose": "x"}),
        ("POST", f"/systems/{system_id}/keys", {"name": "k"}), ("POST", f"/systems/{system_id}/suspend", {"reason": "x"}),
        ("POST", f"/systems/{system_id}/grade", None), ("POST", f"/systems/{system_id}/requests", None),
        ("POST", "/accounts", {"login": "x", "password": "a long password"}),
    ):  # fmt: skip
        reply = here.ask("narrow", method, path, json=body)
        assert reply.status_code in {403, 404}, (path, reply.text)


def test_a_key_makes_no_other_key_without_the_password(here):
    for password in ("", "a wrong passphrase!"):
        reply = here.ask("engineer", "POST", "/me/keys", json={"name": "k", "scopes": ["*"], "password": password})
        assert reply.status_code == 401


def test_a_key_for_runs_alone_signs_nothing_even_with_the_password(fresh):
    request_id = fresh.requested("scoped signing")
    with fresh.platform.work(PLATFORM, "test") as work:
        made = work.keys.make("n", scopes=frozenset({"run.start"}), account_id=fresh.people["security"])
    fresh.keys["security"] = made.key
    fresh.sign("security", request_id, status=403)


def test_an_expired_a_revoked_and_a_closed_accounts_key_open_nothing(fresh):
    platform = fresh.platform
    with platform.work(PLATFORM, "test") as work:
        soon = datetime.now(UTC) + timedelta(milliseconds=30)
        fresh.keys["brief"] = work.keys.make(
            "b", scopes=frozenset({"*"}), account_id=fresh.people["auditor"], expires_at=soon
        ).key
        revoked = work.keys.make("r", scopes=frozenset({"*"}), account_id=fresh.people["auditor"])
        work.keys.revoke(revoked.record.id)
        fresh.keys["revoked"] = revoked.key
    deadline = time.monotonic() + 2
    while fresh.ask("brief", "GET", "/me").status_code == 200:
        assert time.monotonic() < deadline
    assert fresh.ask("brief", "GET", "/me").status_code == 401
    assert fresh.ask("revoked", "GET", "/me").status_code == 401
    assert fresh.ask("legal", "GET", "/me").status_code == 200
    fresh.post("admin", f"/accounts/{fresh.people['legal']}/deactivate", status=204)
    assert fresh.ask("legal", "GET", "/me").status_code == 401


def test_a_code_is_good_for_one_use(here):
    with here.platform.work(PLATFORM, "test") as work:
        accounts = work.accounts
        account = here.people["board"]
        offer = accounts.offer_totp(account)
        now = work.desk.clock()
        before = now - timedelta(seconds=30)
        assert (
            accounts.enrol_totp(account, secret=offer.secret, new_code=TOTP(offer.secret).at(before), password=PASSWORD)
            is None
        )
        code = TOTP(offer.secret).at(now)
        first = accounts.reauthenticate(account, PASSWORD, purpose="a", code=code)
        assert not isinstance(first, Denied)
        for again in (code, TOTP(offer.secret).at(before)):
            assert isinstance(accounts.reauthenticate(account, PASSWORD, purpose="b", code=again), Denied)


@pytest.mark.parametrize("spelling", ["SECURITY", " security ", "Security", "ſecurity"])
def test_another_spelling_of_a_name_gives_no_more_tries(here, spelling):
    with here.platform.work(PLATFORM, "test") as work:
        for _ in range(6):
            work.accounts.sign_in("security", "a wrong passphrase!")
        found = work.accounts.sign_in(spelling, PASSWORD)
        assert isinstance(found, Denied)
        work.desk.session.rollback()


def test_an_upload_without_end_is_cut_off_and_leaves_nothing(here):
    def kept():
        return sorted(each for each in here.platform.settings.blobs_path.rglob("*") if each.is_file())

    before = kept()

    def endless():
        for _ in range(1000):
            yield b"x" * 65_536

    reply = here.ask("security", "POST", "/artefacts", content=endless())
    assert reply.status_code in {413, 422}
    assert kept() == before


@pytest.mark.parametrize(
    "raw", [b"[" * 500_000, b'{"a":' * 100_000, b'{"a":' + b"9" * 500_000 + b"}", b'"' + b"\\u0000" * 9999]
)
def test_a_body_made_to_exhaust_is_refused_at_once(here, raw):
    began = time.monotonic()
    reply = here.ask("engineer", "POST", "/systems", content=raw, headers={"Content-Type": "application/json"})
    assert reply.status_code in {400, 413, 422}
    assert time.monotonic() - began < 2


BOMBS = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "depth": "name: " + "[" * 50_000,
    "flow": "{" * 20_000,
    "merge": "a: &a {x: 1}\nb: {<<: [" + ",".join(["*a"] * 20_000) + "]}\n",
    "tag": "name: !!python/object/apply:os.system ['true']\n",
    "anchors": "".join(f"k{n}: &k{n} v\n" for n in range(50_000)),
    "number": "name: " + "9" * 100_000,
    "date": "name: 2001-01-01T" + "0" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_yaml_bomb_is_one_clear_error(tmp_path, bomb):
    path = tmp_path / "system.yaml"
    path.write_text(bomb)
    began = time.monotonic()
    with pytest.raises(JingweiError):
        read_system(path)
    assert time.monotonic() - began < 3


EVIL = (
    "a",
    " ",
    "1 ",
    "a@a.",
    "password=",
    "eyJa.",
    "ignore all previous ",
    "忽略以前的",
    "-----BEGIN RSA PRIVATE KEY-----",
    "1.",
    "((((",
    "<!--",
)


@pytest.fixture(scope="module")
def bundle():
    made = Bundle.build(("飞鸟计划",), canaries=("ZX-CANARY-77",))
    made.scan("warm up the classifier and the tables")
    return made


@pytest.mark.slow
@pytest.mark.parametrize("seed", EVIL)
def test_no_text_takes_a_detector_longer_than_its_length_warrants(bundle, seed):
    def taken(characters):
        text = (seed * (characters // len(seed) + 1))[:characters]
        began = time.perf_counter()
        bundle.scan(text)
        return time.perf_counter() - began

    small, large = min(taken(25_000) for _ in range(2)), taken(200_000)
    assert large < 8 * 4 * max(small, 0.02)


def test_files_named_in_an_intake_lie_in_its_folder(tmp_path):
    from jingwei.core.errors import InputError
    from jingwei.manage.system_file import inside

    folder = tmp_path / "app"
    folder.mkdir()
    (tmp_path / "secret").write_text("s")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "pipe").mkdir()
    for name in ("../secret", "/etc/passwd", "link", "a/../../secret", ".", "pipe", "..", "\x00"):
        with pytest.raises((InputError, ValueError)):
            inside(folder, name, field="prompt")
