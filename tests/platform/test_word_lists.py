"""Live word lists: versions, import, compare, blame, take back, and how soon a gateway knows."""

import io
import json
import zipfile
from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei.core.errors import Conflict, InputError, NotFound, Refused, Tampered
from jingwei.core.recording import Recording, RecordingWriter
from jingwei.core.snapshot import read_public_key, read_snapshot
from jingwei.detect.lexicon import Lexicon
from jingwei.platform import live_words, word_file
from jingwei.platform.word_file import read_words

LIST = "organisation"


def change(place, *, add=(), remove=(), topic="", reason="because", name=LIST, login="zhao"):
    """Plan and apply a change as one person."""
    actor = place.who(login)
    with place.platform.reading(actor) as work:
        planned = work.lexicon_drafts.plan(name, add=add, remove=remove, topic=topic, actor=actor)
    return applied(place, planned, reason=reason, login=login)


def applied(place, planned, *, reason="because", login="zhao"):
    actor = place.who(login)
    with place.platform.work(actor, "lexicon.change") as work:
        return work.lexicon_drafts.apply(planned.lexicon, planned.digest, reason=reason, actor=actor)


def imported(place, content: bytes, filename: str, **given):
    actor = place.who("zhao")
    with place.platform.reading(actor) as work:
        return work.lexicon_drafts.plan_file(LIST, io.BytesIO(content), filename, actor=actor, **given)


def words(place, **given):
    with place.platform.reading() as work:
        return [each.word for each in work.lexicons.search(LIST, **given)]


def told(place):
    place.platform.relay.publish()
    path = place.platform.settings.snapshot_path
    return {
        each.name: each
        for each in read_snapshot(path, read_public_key(path.with_name("platform.pub"))).content.lexicons
    }


def test_each_change_is_a_version_with_its_reason_and_a_ledger_entry(place):
    before = place.entries()
    first = change(place, add=["代号北极星", "刷单"], reason="new project")
    second = change(place, add=["aurora"], remove=["刷单"], reason="tidy")
    assert (first.number, first.added, second.number, second.added, second.removed) == (1, 2, 2, 1, 1)
    assert words(place) == ["aurora", "代号北极星"]
    assert place.entries() == before + 2
    with place.platform.reading() as work:
        assert [each.reason for each in work.lexicons.versions(LIST)] == ["tidy", "new project"]


def test_a_word_is_one_word_however_it_is_written(place):
    change(place, add=["ＡＵＲＯＲＡ", "Aurora"])
    assert len(words(place)) == 1
    change(place, remove=["aurora"])
    assert words(place) == []


def test_who_may_not_edit_changes_nothing(place):
    for login in ("mei", "lin"):
        with pytest.raises(Refused):
            change(place, add=["x-ray"], login=login)
    with pytest.raises(NotFound):
        change(place, add=["x-ray"], name="sys_nowhere")
    with place.platform.reading() as work:
        assert work.lexicons.names() == ()


def test_a_change_without_a_reason_or_an_effect_is_refused(place):
    with pytest.raises(InputError, match="reason"):
        change(place, add=["word"], reason="  ")
    change(place, add=["word"])
    with pytest.raises(InputError, match="Nothing would change"):
        change(place, add=["word"])


def test_a_change_planned_on_an_older_version_is_refused(place):
    actor = place.who("zhao")
    with place.platform.reading(actor) as work:
        planned = work.lexicon_drafts.plan(LIST, add=["late"], actor=actor)
    change(place, add=["early"])
    with pytest.raises(Conflict):
        applied(place, planned)
    assert words(place) == ["early"]


def test_a_change_of_one_list_is_not_applied_to_another(place):
    system_id, actor = place.guarded(), place.who("zhao")
    with place.platform.reading(actor) as work:
        planned = work.lexicon_drafts.plan(LIST, add=["word"], actor=actor)
    with pytest.raises(Conflict):
        applied(place, planned.model_copy(update={"lexicon": system_id}))


def test_a_blob_that_is_no_change_is_refused(place):
    blob = place.platform.blobs.put(b'#\t{"format": "something else"}\n+\tword\t\n')
    actor = place.who("zhao")
    with pytest.raises(Tampered), place.platform.work(actor, "lexicon.change") as work:
        work.lexicon_drafts.apply(LIST, blob.sha256, reason="because", actor=actor)


def test_a_roll_back_leaves_no_word_behind(place):
    actor = place.who("zhao")
    with place.platform.reading(actor) as work:
        planned = work.lexicon_drafts.plan(LIST, add=["ghost"], actor=actor)

    def breaks_off():
        with place.platform.work(actor, "lexicon.change") as work:
            work.lexicon_drafts.apply(LIST, planned.digest, reason="because", actor=actor)
            assert [each.word for each in work.lexicons.search(LIST)] == ["ghost"]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    assert words(place) == []
    change(place, add=["real"])
    assert words(place) == ["real"]


def test_versions_are_compared_and_taken_back(place):
    change(place, add=["one", "two"])
    change(place, add=["three"], remove=["one"])
    with place.platform.reading() as work:
        found = work.lexicons.difference(LIST, 1, 2)
    assert ([word for word, _ in found.added_words], [word for word, _ in found.removed_words]) == (["three"], ["one"])
    actor = place.who("zhao")
    with place.platform.reading(actor) as work:
        back = work.lexicon_drafts.plan_revert(LIST, 1, actor=actor)
    assert (applied(place, back).number, words(place)) == (3, ["one", "two"])
    with place.platform.reading(actor) as work:
        nothing = work.lexicon_drafts.plan_revert(LIST, 0, actor=actor)
        assert (nothing.added, nothing.removed) == (0, 2)
        with pytest.raises(NotFound):
            work.lexicon_drafts.plan_revert(LIST, 9, actor=actor)


def test_a_word_tells_who_added_it_and_why(place):
    change(place, add=["aurora"], topic="project-x", reason="under wraps")
    change(place, remove=["aurora"], reason="announced")
    change(place, add=["Aurora"], reason="again")
    with place.platform.reading() as work:
        again, first = work.lexicons.blame(LIST, "AURORA")
        assert work.lexicons.blame(LIST, "borealis") == []
    assert (again.added.reason, again.removed) == ("again", None)
    assert (first.added.reason, first.removed.reason, first.spell.topic) == ("under wraps", "announced", "project-x")


def test_a_new_topic_replaces_the_old_one(place):
    change(place, add=["aurora"], topic="project-x")
    change(place, add=["aurora"], topic="fraud")
    with place.platform.reading() as work:
        assert work.lexicons.lexicon(LIST).topics == {"fraud": 1}
        assert words(place, topic="project-x") == []


def test_search_finds_a_part_and_goes_on_page_by_page(place):
    change(place, add=[f"word {number:02d}" for number in range(30)] + ["other"])
    assert words(place, part="ORD 1")[0] == "word 10"
    first = words(place, limit=20)
    assert first + words(place, after=first[-1], limit=20) == words(place, limit=100)


@pytest.mark.parametrize(("name", "content"), [
    ("words.txt", "代号北极星\n\naurora\tproject-x\n".encode()),
    ("words.csv", "word,topic\n代号北极星,\naurora,project-x\n".encode("utf-8-sig")),
    ("words.csv", "主题;敏感词\n;代号北极星\nproject-x;aurora\n".encode("gb18030")),
    ("WORDS.TSV", "代号北极星\t\naurora\tproject-x\n".encode("utf-16")),
])  # fmt: skip
def test_a_file_is_read_whatever_its_separator_encoding_and_columns(place, name, content):
    applied(place, imported(place, content, name))
    with place.platform.reading() as work:
        assert {each.word: each.topic for each in work.lexicons.search(LIST)} == {
            "代号北极星": "",
            "aurora": "project-x",
        }


def workbook(*rows) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_spreadsheet_is_read_and_a_known_topic_may_be_named_by_its_title(place):
    applied(
        place, imported(place, workbook(["词", "主题"], ["代号北极星", "诈骗与非法代办用语"], [12345, None]), "a.xlsx")
    )
    with place.platform.reading() as work:
        assert {each.word: each.topic for each in work.lexicons.search(LIST)} == {"代号北极星": "fraud", "12345": ""}


@pytest.mark.parametrize(("name", "content", "says"), [
    ("words.pdf", b"x", "no known kind"), ("words.txt", b"\n \n", "no words"),
    ("words.csv", b"word,topic\nfine,\nbad,not a topic!\n", "Row 3, column topic"),
    ("words.txt", b"fine\n" + b"x" * 100 + b"\n", "Row 2, column word"),
    ("words.txt", b"a\x00b\n", "control"), ("words.xlsx", b"PK\x03\x04 broken", "no .xlsx workbook"),
    ("words.txt", b"x" * 70_000, "too long"), ("words.txt", b"\x81\x30\x81\xff\xff\n" * 20, "UTF-8"),
])  # fmt: skip
def test_a_wrong_file_is_refused_whole_and_says_where(place, name, content, says):
    with pytest.raises(InputError) as refused:
        imported(place, content, name)
    assert says in str(refused.value)
    assert words(place) == []


def test_several_wrong_rows_are_counted(place):
    with pytest.raises(InputError, match=r"Row 1.*2 more"):
        imported(place, b"\x01bad\n\x02bad\n\x03bad\n", "words.txt")


def test_a_bomb_of_a_workbook_is_not_unpacked(place):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"<" + b"a" * 50_000_000)
    with pytest.raises(InputError, match="unpacks"):
        imported(place, out.getvalue(), "bomb.xlsx")


def test_a_workbook_may_unpack_to_no_more_than_a_file_may_hold(place, monkeypatch):
    book = workbook(*([f"w{number * 7919}"] for number in range(2_000)))
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        unpacked = sum(each.file_size for each in packed.infolist())
    assert len(book) * 2 < unpacked
    monkeypatch.setattr(word_file, "MOST_BYTES", unpacked // 2)
    with pytest.raises(InputError, match="unpacks"):
        imported(place, book, "long.xlsx")


def test_a_workbook_with_definitions_of_its_own_is_refused(place):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(["x"]))) as sound, zipfile.ZipFile(out, "w") as packed:
        for part in sound.infolist():
            content = sound.read(part)
            if part.filename.endswith("sheet1.xml"):
                content = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "b">]>' + content
            packed.writestr(part, content)
    with pytest.raises(InputError, match="workbook"):
        imported(place, out.getvalue(), "entities.xlsx")


def test_a_file_may_stand_for_the_whole_list(place):
    change(place, add=["old", "kept"])
    planned = imported(place, b"kept\nnew\n", "words.txt", replace=True)
    assert (planned.added, planned.removed) == (1, 1)
    applied(place, planned)
    assert words(place) == ["kept", "new"]


@given(st.binary(max_size=400), st.sampled_from([".csv", ".txt", ".tsv", ".xlsx"]))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_file_does_worse_than_an_error_that_says_so(content, ending):
    with suppress(InputError):
        list(islice(read_words(io.BytesIO(content), "words" + ending), 1000))


def test_a_lost_index_is_made_anew(place):
    change(place, add=["one"])
    change(place, add=["two"])
    for path in (place.platform.settings.home / "lexicons").iterdir():
        path.unlink()
    assert words(place) == ["one", "two"]


def test_an_added_word_is_in_the_next_snapshot(place):
    assert told(place) == {}
    version = change(place, add=["aurora"], topic="project-x")
    live = told(place)[LIST]
    assert (live.version, live.base, live.added) == (version.label, "", (("aurora", "project-x"),))
    change(place, remove=["aurora"])
    assert told(place)[LIST].added == ()


@pytest.mark.slow
def test_a_long_list_goes_into_a_base_that_gateways_load(place, monkeypatch):
    monkeypatch.setattr(live_words, "LONGEST_DELTA", 5)
    relay = place.platform.relay
    change(place, add=[f"codeword {number}" for number in range(8)])
    assert told(place) == {}  # the version before is told until the base lies there
    relay._serving.words.settle()
    live = told(place)[LIST]
    assert (live.added, len(live.base)) == ((), 64)
    version = change(place, add=["aurora prices"], remove=["codeword 3"])
    live = told(place)[LIST]
    assert (live.version, live.added, live.removed) == (version.label, (("aurora prices", ""),), ("codeword 3",))
    image = (place.platform.settings.snapshot_path.parent / "lexicons" / f"{live.base}.words").read_bytes()
    lexicon = Lexicon.loaded(image, added=live.added, removed=live.removed)
    assert lexicon.scan("about codeword 4")
    assert lexicon.scan("the aurora prices")
    assert not lexicon.scan("about codeword 3")


def test_a_change_shows_whom_it_would_hit_before_it_is_made(place):
    system_id, actor = place.guarded(), place.who("zhao")
    writer = RecordingWriter(place.platform.settings.recordings_path)
    for number, (text, decision) in enumerate(
        (("my staff card is lost", "allow"), ("a staff card again", "block"), ("hello", "allow"))
    ):
        writer.write(Recording(id=f"rec{number}", at=place.platform.clock(), system_id=system_id, direction="inbound",
                               text=text, decision=decision))  # fmt: skip
    writer.close()
    with place.platform.reading(actor) as work:
        planned = work.lexicon_drafts.plan(LIST, add=["staff card"], actor=actor)
        impact = work.lexicon_drafts.impact(LIST, planned.digest)
    recorded = next(each for each in impact.shares if each.source == "recorded")
    assert (recorded.texts, recorded.newly) == (3, 1)
    assert (impact.samples[0].before, impact.samples[0].found) == ("my ", "staff card")
    assert json.loads(impact.model_dump_json())["shares"]
