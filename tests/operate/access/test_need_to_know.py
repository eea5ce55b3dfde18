"""A knowledge base answers each asker from what this person may see, and from nothing else."""

import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei.core.errors import InputError, NotFound, Unavailable
from jingwei.operate.access import EVERYONE, Acl, Asker, KnowledgeBase, leaks, load_folder, probe, scan_folder
from jingwei.operate.access.paragraphs import Section, paragraphs

STAFF = Acl(groups=frozenset({"staff"}))
HR = Acl(groups=frozenset({"hr"}))
WANG = Asker(id="wang", groups=frozenset({"staff"}))
LI = Asker(id="li", groups=frozenset({"staff", "hr"}))
STRANGER = Asker(id="stranger")
HANDBOOK = """# 假期

员工每年享有十二天带薪年假，未休完的年假可结转至次年三月底。

# 薪酬

研发部门高级工程师的月薪区间为三万五千元至五万二千元，年终奖按绩效系数计算。

## 调薪

每年四月根据绩效考核结果统一调整，幅度不超过百分之十五，由人力资源部核定。
"""


@pytest.fixture
def base(tmp_path):
    with KnowledgeBase(tmp_path / "base.db") as opened:
        yield opened


@pytest.fixture
def handbook(base):
    return base.add("员工手册", HANDBOOK, STAFF, source="handbook.md", sections=[Section("薪酬", HR)])


def headings(passages):
    return {passage.heading for passage in passages}


def test_a_paragraph_for_fewer_people_is_not_found_by_others(base, handbook):
    assert handbook
    assert headings(base.search("高级工程师工资多少", WANG)) == {"假期"}
    assert headings(base.search("高级工程师工资多少", LI)) == {"假期", "薪酬", "薪酬 › 调薪"}
    assert base.search("年假多少天", STRANGER) == ()


def test_the_nearest_paragraph_comes_first(base, handbook):
    assert handbook
    assert base.search("what is the salary range of a senior engineer", LI)[0].heading == "薪酬"
    assert base.search("annual leave days", LI)[0].heading == "假期"


def test_a_right_that_was_taken_away_is_gone_with_the_next_question(base, handbook):
    assert base.search("年假", WANG)
    base.permit(handbook, HR)
    assert base.search("年假", WANG) == ()
    base.permit(handbook, STAFF)
    assert headings(base.search("年假", WANG)) == {"假期"}  # the narrower section stayed narrow


def test_another_process_sees_a_change_at_once(base, handbook, tmp_path):
    with KnowledgeBase(tmp_path / "base.db") as other:
        assert other.search("年假", WANG)
        base.permit(handbook, HR)
        assert other.search("年假", WANG) == ()


def test_a_denial_wins_over_every_permission():
    acl = Acl(people=frozenset({"wang"}), groups=frozenset({EVERYONE}), denied=frozenset({"wang"}))
    assert not acl.lets(WANG)
    assert acl.lets(STRANGER)


def test_a_level_must_be_reached():
    secret = Acl(groups=frozenset({"staff"}), level=3)
    assert not secret.lets(WANG)
    assert secret.lets(WANG.model_copy(update={"level": 3}))


def test_a_document_from_the_same_source_replaces_the_old_one(base, handbook):
    again = base.add("员工手册", "只有一段新的内容，别的都没有了。", STAFF, source="handbook.md")
    assert again == handbook
    assert [each.text for each in base.search("内容", LI)] == ["只有一段新的内容，别的都没有了。"]
    assert leaks("研发部门高级工程师的月薪区间为三万五千元至五万二千元", WANG, base) == ()


def test_a_removed_document_is_forgotten(base, handbook):
    base.remove(handbook)
    assert base.search("年假", LI) == ()
    with pytest.raises(NotFound):
        base.remove(handbook)


def test_an_answer_that_repeats_a_hidden_paragraph_is_noticed_and_its_place_told(base, handbook):
    assert handbook
    answer = "据我所知，研发部门高级工程师的月薪区间为三万五千元至五万二千元，仅供参考。"
    (found,) = leaks(answer, WANG, base)
    assert "月薪区间为三万五千元" in answer[found.start : found.end]
    assert leaks(answer, LI, base) == ()


@pytest.mark.parametrize("disguise", [
    lambda text: text.replace("月薪", "月\u200b薪"), lambda text: text.replace("的", " 的 "),
    lambda text: text.translate(str.maketrans("研发部门", "研發部門")),
])  # fmt: skip
def test_a_thin_disguise_does_not_hide_a_leak(base, handbook, disguise):
    assert handbook
    assert leaks(disguise("研发部门高级工程师的月薪区间为三万五千元至五万二千元"), WANG, base)


def test_what_a_visible_paragraph_says_too_is_no_leak(base):
    shared = "会议室在三楼东侧，使用前请在系统中预定并按时归还钥匙。"
    base.add("公告", shared, STAFF, source="a")
    base.add("内部", shared, HR, source="b")
    assert leaks(shared, WANG, base) == ()


NAMES = ("staff", "hr", "finance", "board")
LISTS = st.builds(
    Acl,
    people=st.frozensets(st.sampled_from(("wang", "li")), max_size=1),
    groups=st.frozensets(st.sampled_from((*NAMES, EVERYONE)), max_size=2),
    level=st.integers(0, 2),
    denied=st.frozensets(st.sampled_from(("wang", "hr")), max_size=1),
)
ASKERS = st.builds(
    Asker, id=st.sampled_from(("wang", "li", "zhao")), groups=st.frozensets(st.sampled_from(NAMES), max_size=3),
    level=st.integers(0, 2),
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole=st.lists(LISTS, min_size=1, max_size=4), narrow=LISTS, asker=ASKERS)
def test_whatever_the_lists_say_only_permitted_paragraphs_come_back(tmp_path_factory, whole, narrow, asker):
    with KnowledgeBase(tmp_path_factory.mktemp("base") / "b.db") as base:
        for number, acl in enumerate(whole):
            base.add(f"t{number}", "# A\n\nopen part\n\n# B\n\nnarrow part", acl, source=str(number),
                     sections=[Section("B", narrow)])  # fmt: skip
        found = {(int(each.title[1:]), each.heading) for each in base.search("part", asker, most=50)}
    assert found == {
        (number, heading)
        for number, acl in enumerate(whole)
        for heading in "AB"
        if acl.lets(asker) and (heading == "A" or narrow.lets(asker))
    }


def folder_of(path, documents=12):
    """A small company: each team's own pages, with a narrower section each."""
    random.seed(7)
    lines = ["documents:"]
    for number in range(documents):
        team = ("finance", "legal", "research", "sales")[number % 4]
        body = "\n\n".join(f"Item {number}-{place}: {' '.join(random.choices(WORDS, k=14))}." for place in range(6))
        (path / f"{number}.md").write_text(f"# {team} notes {number}\n\n{body}\n\n# Board {number}\n\nDecision {number}: "
                                           f"{' '.join(random.choices(WORDS, k=16))}.\n", encoding="utf-8")  # fmt: skip
        lines.append(
            f"  - {{file: {number}.md, groups: [{team}], sections: [{{heading: Board {number}, people: [chair]}}]}}"
        )
    (path / "access.yaml").write_text("\n".join(lines), encoding="utf-8")
    return path


WORDS = ["budget", "contract", "protein", "customer", "harbour", "invoice", "violin", "merger", "silicon", "orchard",
         "tribunal", "velocity", "harvest", "copper", "lantern", "glacier", "dividend", "patent", "voyage", "quorum"]  # fmt: skip


def test_probes_on_behalf_of_everyone_find_no_leak(base, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    load_folder(folder_of(folder), base)
    askers = [Asker(id=team, groups=frozenset({team})) for team in ("finance", "legal", "research", "sales")] + [
        STRANGER
    ]
    result = probe(base, askers, most=60)
    assert (result.probes, result.leaked, result.unscreened) == (60, (), 0)
    assert result.screened > 40


@pytest.mark.slow
def test_a_thousand_probes_across_users_leak_nothing(base, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    load_folder(folder_of(folder, 60), base)
    askers = [
        Asker(id=f"u{n}", groups=frozenset({team}))
        for n in range(5)
        for team in ("finance", "legal", "research", "sales")
    ]
    result = probe(base, [*askers, STRANGER], most=1_200)
    assert (result.probes, result.leaked, result.unscreened) == (1_200, (), 0)


def test_probes_find_a_search_that_forgot_to_filter(base, tmp_path, monkeypatch):
    folder = tmp_path / "docs"
    folder.mkdir()
    load_folder(folder_of(folder, 4), base)
    everyone = Asker(id="x", groups=frozenset({"finance", "legal", "research", "sales"}))
    search = KnowledgeBase.search
    monkeypatch.setattr(
        KnowledgeBase, "search", lambda self, question, asker, most: search(self, question, everyone, most=most)
    )
    assert probe(base, [STRANGER], most=8).leaked


def test_a_file_that_nobody_listed_is_not_taken_in(base, tmp_path):
    folder_of(tmp_path, 1)
    (tmp_path / "notes.md").write_text("a secret nobody thought about", encoding="utf-8")
    load_folder(tmp_path, base)
    assert [each.source for each in base.documents()] == ["0.md"]


@pytest.mark.parametrize(("access", "field"), [
    ("documents: []", "documents"), ("documents: [{file: ../x.md, groups: [a]}]", "file"),
    ("documents: [{file: gone.md, groups: [a]}]", "file"), ("documents: [{file: 0.md, group: [a]}]", "group"),
    ("documents: [{file: 0.md, sections: [{heading: Nowhere}]}]", "heading"),
])  # fmt: skip
def test_a_wrong_access_file_is_told_by_field(base, tmp_path, access, field):
    folder_of(tmp_path, 1)
    (tmp_path / "access.yaml").write_text(access, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_folder(tmp_path, base)
    assert field in f"{caught.value.field} {caught.value}"
    assert base.documents() == ()


def test_a_file_that_is_no_base_is_refused(tmp_path):
    (tmp_path / "b.db").write_text("this is no database at all, whatever its name says")
    with pytest.raises(Unavailable):
        KnowledgeBase(tmp_path / "b.db")


def test_the_base_is_its_owners_alone(base):
    assert base.path.stat().st_mode & 0o077 == 0
    assert sqlite3.connect(base.path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_long_paragraphs_are_cut_at_sentences_and_nothing_is_lost():
    text = "第一句话说了一些事情。" * 400
    parts = paragraphs(text)
    assert len(parts) > 3
    assert "".join(part.text.replace(" ", "") for part in parts) == text


def test_sensitive_files_open_to_all_are_found(tmp_path):
    (tmp_path / "open.md").write_text("联系人张伟，身份证号 11010519491231002X，手机 13812345678", encoding="utf-8")
    (tmp_path / "plan.md").write_text("机密★三年\n\n并购计划草案", encoding="utf-8")
    (tmp_path / "menu.md").write_text("今天食堂有番茄炒蛋", encoding="utf-8")
    (tmp_path / "image.bin").write_bytes(b"\x00\x01")
    (tmp_path / "access.yaml").write_text(
        "documents:\n- {file: open.md, groups: ['*']}\n- {file: plan.md, groups: [board]}\n- {file: menu.md, groups: ['*']}\n",
        encoding="utf-8",
    )
    found = {each.path: each for each in scan_folder(tmp_path)}
    assert found["open.md"].overshared
    assert found["open.md"].marks == ("personal",)
    assert found["plan.md"].marks == ("confidential",)
    assert not found["plan.md"].overshared
    assert not found["menu.md"].marks
    assert not found["image.bin"].readable


def test_without_lists_the_files_own_mode_tells_who_may_read_it(tmp_path):
    path = Path(tmp_path) / "key.txt"
    path.write_text("aws_key = AKIAIOSFODNN7EXAMPLE", encoding="utf-8")
    path.chmod(0o644)
    assert scan_folder(tmp_path)[0].overshared
    path.chmod(0o600)
    assert not scan_folder(tmp_path)[0].overshared
