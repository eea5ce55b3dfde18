"""Each identity number and key is found, and its near miss is not. All values are made up for these tests."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei.detect.pattern_detector import pii, secrets
from jingwei.detect.rule import rule_file

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
TOLD = [
    ("pii.cn-id-card", "身份证 {}", "110105491231002"),
    ("pii.cn-id-card", "{}", "1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X"),
    ("pii.cn-id-card", "{}", "一一零一零五一九四九一二三一零零二X"),
    ("pii.cn-foreign-resident", "{}", "911124198108030024"),
    ("pii.cn-foreign-resident", "外国人永久居留证 {}", "CHN110081010101"),
    ("pii.cn-mobile", "{}", "1 3 8-0013-8000"),
    ("pii.cn-mobile", "{}", "138零零一三八零零零"),
    ("pii.cn-mobile", "{}", "一三八零零一三八零零零"),
    ("pii.bank-card", "{}", "六二二二零二一二三四五六七八九四"),
    ("pii.cn-organisation-code", "组织机构代码：{}", "D2143569-X"),
    ("pii.cn-military", "{}", "军字第1234567号"),
    ("pii.hk-macao-permit", "往来港澳通行证 {}", "CA1234567"),
    ("pii.taiwan-permit", "台胞证号 {}", "12345678"),
    ("pii.social-security-cn", "社保卡号：{}", "A12345678"),
    ("pii.medical-record", "病历号：{}", "MZ00123456"),
    ("pii.driving-licence", "驾驶证档案编号{}", "110012345678"),
    ("pii.cn-student-number", "{}", "G110105201201010017"),
    ("pii.minor", "我女儿{}了", "七岁"),
    ("pii.date-of-birth", "出生日期：{}", "1990年5月12日"),
    ("pii.date-of-birth", "born on {}.", "March 5, 1990"),
    ("pii.person-name", "联系人：{}，", "王小明"),
    ("pii.person-name", "我叫{}的同学", "欧阳娜"),
    ("pii.person-name", "My name is {}.", "John Smith"),
    ("pii.address", "我住在{}。", "北京市朝阳区建国路88号2单元301室"),
    ("pii.address", "at {} now", "1600 Pennsylvania Avenue"),
    ("pii.wechat-qq", "微信：{}", "zhangsan_1988"),
    ("pii.wechat-qq", "QQ号是{}", "123456789"),
    ("pii.geo-position", "坐标 {}", "39.90421, 116.40739"),
    ("pii.ipv6", "{}", "2408:8206:1234:5678::1"),
    ("pii.mac-address", "{}", "00:1A:2B:3C:4D:5E"),
    ("pii.imei", "IMEI：{}", "490154203237518"),
    ("pii.uk-nino", "{}", "AB 12 34 56 C"),
    ("pii.br-cpf", "{}", "529.982.247-25"),
    ("pii.in-aadhaar", "{}", "2341 2341 2346"),
    ("pii.es-dni", "{}", "12345678Z"),
    ("pii.it-fiscal-code", "{}", "RSSMRA85T10A562S"),
    ("pii.sg-nric", "{}", "S1234567D"),
    ("pii.bank-account", "银行账号：{}", "12345678901234567"),
]
NONE = [
    "订单号20261122001234567890", "订单号：6222021234567894", "ISBN 978-7-111-54742-6", "时间戳 1763807720123", "版本 8.8.4.4", "v10.0.19041.1",
    "9fceb02d0ae598e95dc970b74767f19372d61af8", "550e8400-e29b-41d4-a716-446655440000", "2026-11-22 10:35:20", "order no. 13812345678",
    "圆周率 3.14159265358979", "一二三四五，上山打老虎", "高级工程师联系人列表", "我叫了一辆车", "The sum 12 34 56 78 90 12", "7,241,732,096 parameters",
    "ES50 0544 9973 2790 8503 9877", "ff:ff:ff:ff:ff:ff", "123.456.789-00", "2341 2341 2347",
]  # fmt: skip
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
    "secret.aliyun-secret-key": "access_key_secret=" + A[:30],
    "secret.tencent-secret-key": "SecretKey: " + A[:32],
    "secret.huawei-access-key": "huaweicloud_sk=" + A[:40],
    "secret.baidu-access-key": "bce-v3/ALTAK-" + A[:20] + "/" + H,
    "secret.zhipu-key": H + "." + A[:16],
    "secret.wechat-app-secret": "AppSecret=" + H,
    "secret.groq-key": "gsk_" + A + A[:9],
    "secret.xai-key": "xai-" + A + A,
    "secret.openrouter-key": "sk-or-v1-" + H + H,
    "secret.replicate-token": "r8_" + A[:37],
    "secret.notion-token": "ntn_" + A,
    "secret.atlassian-token": "ATATT3" + A,
    "secret.postman-key": "PMAK-" + H[:24] + "-" + H + "0a",
    "secret.sentry-token": "sntrys_" + A,
    "secret.rubygems-key": "rubygems_" + H + H[:16],
    "secret.mailchimp-key": H + "-us12",
    "secret.pulumi-token": "pul-" + H + H[:8],
    "secret.terraform-token": A[:14] + ".atlasv1." + A,
    "secret.basic-auth-url": "https://ci:tok3nvalue@git.example.com/x",
    "secret.authorization-header": "Authorization: Bearer " + A,
    "secret.connection-string": "Server=db;Uid=sa;Password=Pa55word;",
    "secret.spoken-password": "密码是 q7Rt91xZ",
    "secret.password": "password: hunter2!",
    "secret.assigned": "password = 'q7Rt91xZpL'",
}


@pytest.mark.parametrize(("rule_id", "real", "wrong"), PII)
@pytest.mark.parametrize("frame", ["{}", "号码是{}，请查收", "No: {} ok"])
def test_a_real_number_is_found_and_a_wrong_one_is_not(rule_id, real, wrong, frame):
    text = frame.format(real)
    assert (rule_id, real) in [(hit.rule_id, text[hit.start : hit.end]) for hit in pii().scan(text)]
    assert rule_id not in [hit.rule_id for hit in pii().scan(frame.format(wrong))]


@pytest.mark.parametrize(("rule_id", "frame", "value"), TOLD)
def test_what_its_sentence_makes_personal_is_found(rule_id, frame, value):
    text = frame.format(value)
    assert (rule_id, value) in [(hit.rule_id, text[hit.start : hit.end]) for hit in pii().scan(text)]


@pytest.mark.parametrize("text", NONE)
def test_a_number_of_another_kind_is_not_personal(text):
    assert pii().scan(text) == ()


def test_every_rule_says_how_sensitive_it_is():
    assert {rule.id for rule in pii().rules if rule.sensitivity is None or rule.label is None} == set()
    shown = {rule.id: rule.shown for rule in pii().rules}
    assert shown["pii.cn-id-card"].zh == "居民身份证号（敏感个人信息）"
    assert shown["pii.cn-student-number"].en.endswith("(information about a minor)")
    assert shown["pii.email"].zh == "电子邮箱"


def test_a_number_in_fullwidth_digits_is_found_where_it_is():
    text = "电话１３８１２３４５６７８。"
    assert [text[hit.start : hit.end] for hit in pii().scan(text)] == ["１３８１２３４５６７８"]


@pytest.mark.parametrize("rule_id", SECRETS)
@pytest.mark.parametrize("frame", ["{}", "我的密钥：{} 请保密", 'config = "{}"'])
def test_a_key_is_found(rule_id, frame):
    assert rule_id in [hit.rule_id for hit in secrets().scan(frame.format(SECRETS[rule_id]))]


def test_there_are_at_least_40_key_formats():
    assert len(secrets().rules) >= 40


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


ORDER = rule_file("pii").spelled("{order}")
UNGUARDED = re.sub(r"\(\?=\[[^]]*\]\)", "", ORDER, count=1)


@settings(deadline=None, max_examples=400, derandomize=True)
@given(st.from_regex(re.compile(UNGUARDED, re.ASCII), fullmatch=True))
def test_a_look_at_the_first_letter_keeps_no_excuse_out(words):
    assert UNGUARDED != ORDER
    assert re.fullmatch(ORDER, words, re.ASCII)
