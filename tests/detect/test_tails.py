"""Of a number, key, name or address no character leaves a stream before the whole is judged, however it is cut."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jingwei.detect import fold
from jingwei.detect.pattern_detector import pii, secrets
from jingwei.detect.tails import LIMIT, number_start

A = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5kL7nP9"
PARTS = [
    "今天天气不错，", "我们去公园。", " the quick brown fox ", "11010519491231002X", "1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X", "138 1234 5678",
    "１３８１２３４５６７８", "1 3 8-1234-5678", "一三八一二三四五六七八", "138一二三四五六七八", "6222 0212 3456 7894", "4111-1111-1111-1111",
    "六二二二零二一二三四五六七八九四", "GB82 WEST 1234 5698 7654 32", "zhang.san@example.com", "京A·12345", "粤BD12345", "219-09-9999", "AKIAIOSFODNN7EXAMPLE",
    f"ghp_{A[:36]}", "+44 20 7946 0958", "A123456(3)", "(415) 555-2671", f"sk-ant-api03-{A}", "-----BEGIN RSA PRIVATE KEY-----", "010-62781234",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{A}", "EA1234567", "护照 E12345678", "联系人：王小明，", "我叫张伟。", "李建国先生", "My name is John Smith.",
    "Mr. John Smith", "北京市朝阳区建国路88号2单元301室", "地址：幸福路12号", "1600 Pennsylvania Avenue", "出生日期：1990年5月12日", "born on March 5, 1990",
    "军字第1234567号", "39.9042° N, 116.4074° E", "坐标：39.90421, 116.40739", "00:1A:2B:3C:4D:5E", "2408:8206:1234:5678::1", "8.8.8.8", "123.456.789-09",
    "2341 2341 2346", "password: q7Rt91xZpL", "密码是 q7Rt91xZ", "postgresql://app:S3cr3tPw@db/app", " ", "\n", "。", "7", "a", "一", "中",
]  # fmt: skip


def hits(text):
    folded = fold(text)
    return [*pii().scan(folded), *secrets().scan(folded)]


def released(chunks):
    """What a stream lets out that waits for `number_start` and ends at the first hit."""
    out, buffer = 0, ""
    for chunk in [*chunks, None]:
        buffer += chunk or ""
        folded = fold(buffer)
        begin = number_start(folded.clean)
        safe = folded.span(begin, begin)[0] if chunk is not None else len(buffer)
        found = [hit for hit in hits(buffer) if hit.start < safe]
        if found:
            return max(out, min(hit.start for hit in found))
        out = max(out, safe)
    return out


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PARTS), max_size=7), st.lists(st.integers(1, 12), min_size=1, max_size=12))
def test_a_stream_lets_out_no_character_of_a_number_key_name_or_address(parts, sizes):
    text = "".join(parts)
    chunks, at, turn = [], 0, 0
    while at < len(text):
        chunks.append(text[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(chunks[-1]), turn + 1
    assert released(chunks) <= min((hit.start for hit in hits(text)), default=len(text))


for part in PARTS:
    test_a_stream_lets_out_no_character_of_a_number_key_name_or_address = example(["我想 ", part, " ok"], [1])(
        test_a_stream_lets_out_no_character_of_a_number_key_name_or_address
    )


@given(st.text(max_size=200))
def test_no_more_than_the_limit_waits(text):
    clean = fold(text).clean
    assert len(clean) - number_start(clean) <= LIMIT


def test_ordinary_prose_waits_for_few_characters():
    prose = "今天下午我们开会讨论了新产品的发布计划，市场部建议把时间推迟到下个月。请帮我整理一份会议纪要。We met this afternoon to talk about the plan."
    waits = [end - number_start(prose[:end]) for end in range(1, len(prose))]
    assert sum(waits) / len(waits) < 4
