"""Each identity number and key is found, and its near miss is not. All values are made up for these tests."""

import pytest

from jingwei.detect.pattern_detector import pii, secrets

PII = [
    ("pii.cn-id-card", "11010519491231002X", "110105194912310021"),
    ("pii.cn-id-card", "11010519491231002x", "11010519491331002X"),
    ("pii.cn-mobile", "13812345678", "12812345678"),
    ("pii.cn-mobile", "+86 138-1234-5678", "138123456789"),
    ("pii.cn-landline", "010-62781234", "010-12781234"),
    ("pii.bank-card", "6222021234567894", "6222021234567895"),
    ("pii.bank-card", "4111 1111 1111 1111", "4111 1111 1111 1112"),
    ("pii.cn-uscc", "91350100M000100Y43", "91350100M000100Y44"),
    ("pii.cn-plate", "京A·12345", "天A·12345"),
    ("pii.cn-plate", "粤BD12345", "粤BI12345"),
    ("pii.cn-passport", "EA1234567", "EI1234567"),
    ("pii.hk-id", "A123456(3)", "A123456(4)"),
    ("pii.taiwan-id", "A123456789", "A123456788"),
    ("pii.email", "zhang.san@example.com", "zhang.san@example"),
    ("pii.phone-international", "+44 20 7946 0958", "+44 20"),
    ("pii.us-ssn", "219-09-9999", "000-09-9999"),
    ("pii.iban", "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
    ("pii.ipv4", "8.8.8.8", "192.168.1.10"),
]
A, D, H = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5kL7nP9", "1234567890123", "0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d"
SECRETS = {
    "secret.aws-access-key": "AKIAIOSFODNN7EXAMPLE",
    "secret.aliyun-access-key": "LTAI" + A[:20],
    "secret.tencent-secret-id": "AKID" + A[:32],
    "secret.google-api-key": "AIza" + A[:35],
    "secret.google-oauth": "ya29." + A[:30],
    "secret.github-token": "ghp_" + A[:36],
    "secret.gitlab-token": "glpat-" + A[:20],
    "secret.openai-key": "sk-proj-" + A,
    "secret.anthropic-key": "sk-ant-api03-" + A,
    "secret.model-provider-key": "sk-" + A[:32],
    "secret.huggingface-token": "hf_" + "abCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
    "secret.slack-token": "xoxb-" + D + "-" + A[:24],
    "secret.stripe-key": "sk_live_" + A[:24],
    "secret.jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + A,
    "secret.npm-token": "npm_" + A[:36],
    "secret.pypi-token": "pypi-AgEIcHlwaS5vcmc" + A,
    "secret.azure-storage-key": "AccountKey=" + A + A + "==",
    "secret.twilio-key": "SK" + H,
    "secret.sendgrid-key": "SG." + A[:22] + "." + A,
    "secret.telegram-bot": "123456789:AA" + A[:33],
    "secret.docker-token": "dckr_pat_" + A[:27],
    "secret.private-key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "secret.shopify-token": "shpat_" + H,
    "secret.databricks-token": "dapi" + H,
    "secret.hashicorp-vault": "hvs." + A,
    "secret.digitalocean-token": "dop_v1_" + H,
    "secret.grafana-token": "glsa_" + A[:32] + "_0a1b2c3d",
    "secret.age-key": "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF",
    "secret.mailgun-key": "key-" + H,
    "secret.webhook": "oapi.dingtalk.com/robot/send?access_token=" + H,
    "secret.database-url": "postgresql://app:S3cr3tPw@db/app",
    "secret.assigned": "password = 'q7Rt91xZpL'",
}


@pytest.mark.parametrize(("rule_id", "real", "wrong"), PII)
@pytest.mark.parametrize("frame", ["{}", "号码是{}，请查收", "No: {} ok"])
def test_a_real_number_is_found_and_a_wrong_one_is_not(rule_id, real, wrong, frame):
    text = frame.format(real)
    assert (rule_id, real) in [(hit.rule_id, text[hit.start : hit.end]) for hit in pii().scan(text)]
    assert rule_id not in [hit.rule_id for hit in pii().scan(frame.format(wrong))]


def test_a_number_in_fullwidth_digits_is_found_where_it_is():
    text = "电话１３８１２３４５６７８。"
    assert [text[hit.start : hit.end] for hit in pii().scan(text)] == ["１３８１２３４５６７８"]


@pytest.mark.parametrize("rule_id", SECRETS)
@pytest.mark.parametrize("frame", ["{}", "我的密钥：{} 请保密", 'config = "{}"'])
def test_a_key_is_found(rule_id, frame):
    assert rule_id in [hit.rule_id for hit in secrets().scan(frame.format(SECRETS[rule_id]))]


def test_there_are_at_least_25_key_formats():
    assert len(secrets().rules) >= 25


@pytest.mark.parametrize(
    "text",
    [
        "password: ********",
        "api_key=YOUR_API_KEY_HERE",
        "the password is required",
        "密码是必填项",
        "sk-learn is a library",
    ],
)
def test_a_placeholder_is_no_secret(text):
    assert secrets().scan(text) == ()
