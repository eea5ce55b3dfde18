"""A policy file is signed with a home's key and checked with nothing but the public one."""

import json


def test_a_signed_policy_holds_until_it_is_changed(registered, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("words: [飞鸟计划]", encoding="utf-8")
    public = tmp_path / "platform.pub"
    assert registered("evidence", "key", "--out", public).code == 0
    assert registered("policy", "verify", policy, "--key", public).code == 1
    signed = registered("policy", "sign", policy, "--json")
    assert signed.code == 0, signed.err
    assert json.loads(signed.out)["signature"] == f"{policy}.sig"
    assert registered("policy", "verify", policy, "--key", public).code == 0
    assert registered("detect", "请介绍飞鸟计划", "--policy", policy, "--key", public, "--fail-on", "block").code == 1
    policy.write_text("words: []", encoding="utf-8")
    assert registered("policy", "verify", policy, "--key", public).code == 1


def test_a_wrong_policy_is_not_signed(registered, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("rulez: []", encoding="utf-8")
    done = registered("policy", "sign", policy)
    assert (done.code, "rulez" in done.err) == (2, True)
    assert not policy.with_name("policy.yaml.sig").exists()
