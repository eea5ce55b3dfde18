"""A System governed from the terminal alone, by four people and an administrator."""

import json
import stat

import pytest

from jingwei.core.settings import Settings
from jingwei.platform import Platform

NAME = "Staff assistant"
PASSWORD = "correct horse battery staple"


def told(done):
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_fresh_home_needs_no_account_made_by_hand(jingwei, folder, tmp_path):
    done = jingwei("system", "register", folder / "system.yaml", "--json")
    assert told(done)["created"] is True
    kept = tmp_path / "home" / "keys" / "local-accounts.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    passwords = json.loads(kept.read_text())["passwords"]
    assert "jingwei-guard" not in passwords
    assert not any(password in done.out + done.err for password in passwords.values())


def test_no_local_account_holds_both_engineer_and_security(registered):
    accounts = told(registered("account", "list", "--json"))
    held = {each["login"]: {grant["role"] for grant in each["grants"]} for each in accounts}
    assert {"security"} == held["jingwei-guard"]
    assert not any(len(roles) > 1 for roles in held.values())


def test_nobody_signs_with_the_service_account(registered):
    done = registered("gate", "sign", "req_1", "--role", "security", "--as", "jingwei-guard", JINGWEI_PASSWORD="x" * 20)
    assert done.code == 3
    assert "core.identity:sign-in-failed" in done.err


def test_a_kept_password_never_signs(registered, tmp_path):
    login = json.loads((tmp_path / "home" / "keys" / "local-accounts.json").read_text())["engineer"]
    done = registered("gate", "sign", "req_1", "--role", "system_owner", "--as", login)
    assert done.code == 2
    assert "faces.cli:password-needed" in done.err


def test_grading_says_which_rules_fired_and_what_would_change_it(registered):
    done = registered("system", "grade", NAME)
    assert "grade 2" in done.out
    assert "A-tools" in done.out
    assert "L4" in done.out
    assert "the grade is 3" in done.out


def test_json_is_the_model_of_the_service(registered, tmp_path):
    shown = told(registered("system", "list", "--json"))
    platform = Platform(Settings(home=tmp_path / "home"))
    with platform.reading() as work:
        assert shown == [each.model_dump(mode="json") for each in work.registry.systems()]
    platform.close()


def test_a_tool_that_can_do_more_than_was_answered_overrules_the_answer(jingwei, folder):
    file = folder / "system.yaml"
    file.write_text(file.read_text().replace("tools: reversible_write", "tools: read_only"))
    done = jingwei("system", "register", file)
    assert "the answer was read_only, a scan found reversible_write" in done.out


def test_a_new_answer_changes_the_grade(registered):
    assert told(registered("system", "grade", NAME, "--json"))["decision"]["grade"] == 2
    assert registered("system", "answer", NAME, "autonomy=L4").code == 0
    assert told(registered("system", "grade", NAME, "--json"))["decision"]["grade"] == 3


def test_a_closed_gate_exits_with_three_and_names_what_is_missing(registered):
    registered("system", "grade", NAME)
    done = registered("gate", "show", NAME)
    assert done.code == 3
    assert "EV-MODEL-SCAN" in done.out
    assert registered("gate", "request", NAME).code == 3


def test_an_override_upward_holds_at_once_and_a_lower_one_waits_for_two(registered):
    registered("system", "grade", NAME)
    up = registered(
        "system", "override", "ask", NAME, "3", "--reason", "board wish", "--as", "lin", JINGWEI_PASSWORD=PASSWORD
    )
    assert "in force" in up.out, up.err
    down = registered("system", "override", "ask", NAME, "1", "--reason", "pilot", "--until", "2027-01-31", "--as", "lin",
                      "--json", JINGWEI_PASSWORD=PASSWORD)  # fmt: skip
    made = told(down)
    own = registered("system", "override", "approve", made["id"], "--as", "lin", JINGWEI_PASSWORD=PASSWORD)
    assert own.code == 3
    once = registered("system", "override", "approve", made["id"], "--as", "zhao", JINGWEI_PASSWORD=PASSWORD)
    assert "1 of 2" in once.out, once.err


def test_only_security_puts_a_policy_in_force(registered, folder):
    registered("system", "grade", NAME)
    refused = registered("policy", "attach", NAME, "--file", folder / "system.yaml")
    assert refused.code == 3
    assert "security" in refused.err
    done = registered(
        "policy", "attach", NAME, "--file", folder / "system.yaml", "--as", "zhao", JINGWEI_PASSWORD=PASSWORD
    )
    assert done.code == 0, done.err
    shown = told(registered("policy", "show", NAME, "--json"))
    assert shown["canaries"] == ["JW-CANARY-7F3A91"]
    assert told(registered("policy", "history", NAME, "--json"))[0]["digest"] == shown["digest"]


def test_evidence_verifies_offline_and_a_changed_word_is_found(registered, tmp_path):
    registered("evidence", "enter", NAME, "EV-RISK", "--statement", "Looked at; accepted.")
    listed = told(registered("evidence", "list", NAME, "--json"))
    chosen = next(each["id"] for each in listed if each["evidence"]["type"] == "EV-RISK")
    file, key = tmp_path / "risk.json", tmp_path / "platform.pub"
    assert registered("evidence", "show", chosen[:10], "--format", "json", "--out", file).code == 0
    assert registered("evidence", "key", "--out", key).code == 0
    assert registered("evidence", "verify", file, "--key", key, JINGWEI_HOME=str(tmp_path / "nowhere")).code == 0
    file.write_text(file.read_text().replace("accepted", "rejected"))
    assert registered("evidence", "verify", file, "--key", key).code == 1
    assert registered("evidence", "verify", "--system", NAME).code == 0


@pytest.mark.parametrize(("form", "mark"), [("sarif", '"2.1.0"'), ("junit", "<testsuites"), ("html", "<html")])
def test_evidence_is_written_for_other_programs(registered, tmp_path, form, mark):
    registered("evidence", "enter", NAME, "EV-RISK", "--statement", "Looked at; accepted.")
    chosen = told(registered("evidence", "list", NAME, "--json"))[0]["id"]
    out = tmp_path / f"report.{form}"
    assert registered("evidence", "show", chosen, "--format", form, "--out", out).code == 0
    assert mark in out.read_text()


def test_automatic_evidence_is_never_entered_by_hand(registered):
    done = registered("evidence", "enter", NAME, "EV-REDTEAM", "--statement", "It is fine.")
    assert done.code == 3
    assert "manage:evidence-by-hand" in done.err


def test_a_file_kept_beside_evidence_comes_out_as_it_went_in(registered, folder, tmp_path):
    done = registered(
        "evidence",
        "enter",
        NAME,
        "EV-RESP-DOC",
        "--statement",
        "In force.",
        "--file",
        folder / "responsibility.md",
        "--json",
    )
    chosen, out = told(done)["id"], tmp_path / "out.md"
    assert registered("evidence", "artefact", chosen, "responsibility.md", "--out", out).code == 0
    assert out.read_bytes() == (folder / "responsibility.md").read_bytes()


def test_the_exported_ledger_verifies_without_the_home(registered, tmp_path):
    out, key = tmp_path / "ledger.jsonl", tmp_path / "platform.pub"
    assert registered("ledger", "verify").code == 0
    assert registered("ledger", "export", out).code == 0
    assert registered("evidence", "key", "--out", key).code == 0
    assert registered("ledger", "verify-export", out, "--key", key, JINGWEI_HOME=str(tmp_path / "nowhere")).code == 0
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:3] + lines[4:]))
    broken = registered("ledger", "verify-export", out, "--key", key)
    assert broken.code == 1
    assert "does not hold" in broken.out


def test_a_model_scan_is_started_from_the_terminal_and_leaves_evidence(registered):
    done = registered("job", "start", NAME, "model-scan", "--json")
    assert done.code == 1, done.err  # the stand-in for a model is no whole GGUF file
    assert [each["type"] for each in json.loads(done.out)] == ["EV-MODEL-SCAN"]
    run = told(registered("job", "list", "--json"))[0]
    assert run["status"] == "finished"
    assert registered("job", "show", run["id"]).code == 0
    assert registered("job", "follow", run["id"]).code == 0
    assert registered("job", "cancel", run["id"]).code == 3


def test_a_key_is_shown_once_and_ended_by_its_id(registered):
    made = told(registered("system", "key", NAME, "--name", "intranet", "--json"))
    listed = registered("system", "key", NAME, "--json")
    assert made["key"] not in listed.out
    assert told(listed)[0]["id"] == made["record"]["id"]
    assert registered("system", "key", NAME, "--revoke", made["record"]["id"]).code == 0
    assert told(registered("system", "key", NAME, "--json"))[0]["revoked_at"]


def test_an_account_ends_only_keys_of_its_own(registered):
    made = told(registered("system", "key", NAME, "--name", "intranet", "--json"))
    assert registered("account", "key", "--revoke", made["record"]["id"]).code == 2


def test_the_first_account_is_the_administrator_and_nothing_else(jingwei):
    mixed = jingwei("account", "create", "root", "--role", "security", JINGWEI_NEW_PASSWORD=PASSWORD)
    assert mixed.code == 3
    assert jingwei("account", "create", "root", JINGWEI_NEW_PASSWORD=PASSWORD).code == 0
    unnamed = jingwei("account", "create", "lin")
    assert unnamed.code == 2
    done = jingwei(
        "account",
        "create",
        "lin",
        "--one-time",
        "--role",
        "engineer",
        "--as",
        "root",
        "--json",
        JINGWEI_PASSWORD=PASSWORD,
    )
    first = told(done)["password"]
    assert told(jingwei("account", "password", "lin", "--json", JINGWEI_PASSWORD=first, JINGWEI_NEW_PASSWORD=PASSWORD))


def test_a_home_with_people_asks_who_acts(jingwei, folder):
    jingwei("account", "create", "root", JINGWEI_NEW_PASSWORD=PASSWORD)
    done = jingwei("system", "register", folder / "system.yaml")
    assert done.code == 2
    assert "--as" in done.err
    wrong = jingwei("system", "register", folder / "system.yaml", "--as", "root", JINGWEI_PASSWORD="not the password")
    assert wrong.code == 3


def test_the_printed_form_is_an_intake_once_its_facts_are_kept(jingwei, tmp_path):
    form = jingwei("system", "form", lang="zh")
    file = tmp_path / "new.yaml"
    file.write_text(form.out)
    done = jingwei("system", "register", file, "--json")
    assert told(done)["facts"], done.err
