"""The reports of an evaluation: whole, honest about what was not judged, and safe whatever a model said."""

import csv
import json
import re
from html.parser import HTMLParser
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reported import HOSTILE, evaluation_of, made, result_of, results_of, suite_of

from jingwei.core.errors import Unavailable
from jingwei.core.evidence import Outcome
from jingwei.core.interval import wilson
from jingwei.core.text import Both
from jingwei.develop.evaluate.reports import write_reports
from jingwei.develop.evaluate.reports.charts import tone_of
from jingwei.develop.evaluate.reports.comma import cell
from jingwei.develop.evaluate.reports.correction import Judged, without_errors
from jingwei.develop.evaluate.reports.figures import difference, figures_of
from jingwei.develop.evaluate.reports.junit import to_junit
from jingwei.develop.evaluate.reports.markup import join, tag, visible
from jingwei.develop.evaluate.speed import speed_of
from jingwei.develop.evaluate.verdict import State, Verdict


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.ids = [], [], [], []
        self._skipped = ""
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += [(name, key, value) for key, value in attributes]
        self.ids += [value for key, value in attributes if key == "id"]
        self._skipped = name if name == "style" else ""

    def handle_data(self, words):
        if not self._skipped:
            self.words.append(words)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    evaluation, results, written = made(folder)
    return folder, evaluation, results, written


@pytest.fixture(scope="module")
def page(run):
    return Page((run[0] / "report.html").read_text(encoding="utf-8"))


def test_four_files_lie_beside_the_report_for_programs(run):
    folder, _, _, written = run
    assert [each.name for each in written] == ["report.html", "junit.xml", "report.sarif", "attempts.csv"]
    assert all(each.exists() for each in written)
    assert not [each for each in folder.iterdir() if each.name.startswith(".")]


def test_nothing_a_model_said_becomes_markup(page):
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [key for _, key, _ in page.attributes if key.startswith("on") or key in {"style", "src"}]
    assert "<script>alert(2)</script>" in "".join(page.words)


def test_invisible_and_turning_characters_are_written_out(run):
    text = (run[0] / "report.html").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert "⟨U+001B⟩" in text
    assert "⟨U+202E⟩" in text


def test_the_page_asks_nobody_for_anything_and_runs_nothing(page):
    policy = next(value for name, key, value in page.attributes if key == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    links = [value for _, key, value in page.attributes if key in {"href", "action", "xlink:href"}]
    assert links
    assert all(each.startswith("#") for each in links)
    assert {each.removeprefix("#") for each in links} <= set(page.ids)


def test_an_id_is_used_once(page):
    assert len(page.ids) == len(set(page.ids))


def test_both_languages_are_in_the_page_and_the_readers_comes_first(tmp_path):
    texts = {}
    for language in ("zh", "en"):
        made(tmp_path / language, language=language)
        texts[language] = (tmp_path / language / "report.html").read_text(encoding="utf-8")
        assert f'id="language-{language}" value="{language}" checked' in texts[language]
    for text in texts.values():
        assert "攻击成功率" in text
        assert "Attack success" in text


def test_every_rate_stands_with_its_interval_and_its_count(page, run):
    said = "".join(page.words)
    measure = next(each for each in run[1].suites[0].measures if each.name == "attack_success_rate")
    assert f"{round(measure.value * measure.samples)} / {measure.samples}" in said
    assert f"{100 * measure.low:.0f}% – {100 * measure.high:.0f}%" in said


def test_what_ends_badly_comes_before_what_went_well(run):
    states = [each.verdict.state for each in figures_of(run[1], run[2]).transcripts]
    assert states[0] is State.ATTACK_SUCCEEDED
    assert states.index(State.UNDETERMINED) < states.index(State.RESISTED)


def test_a_long_run_shows_some_transcripts_and_counts_all():
    suite = suite_of(each=60)
    results = results_of(suite, share=0.9)
    figures = figures_of(evaluation_of([suite], results), results)
    assert figures.results == len(results)
    assert len(figures.transcripts) < 520 < len(results)


def test_a_run_without_results_says_that_nothing_was_judged(tmp_path):
    suite = suite_of()
    evaluation = evaluation_of([suite], [], stopped="unreachable")
    write_reports(evaluation, [], tmp_path, language="en")
    said = "".join(Page((tmp_path / "report.html").read_text(encoding="utf-8")).words)
    assert "No answer was had that could be judged." in said
    assert "The target went away" in said
    assert "Passed" not in said
    root = fromstring((tmp_path / "junit.xml").read_text(encoding="utf-8"))
    assert root.get("errors") == "1"
    sarif = json.loads((tmp_path / "report.sarif").read_text(encoding="utf-8"))
    assert sarif["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    with pytest.raises(Unavailable, match="nowhere"):
        write_reports(evaluation_of([], []), [], tmp_path / "nowhere", language="en")


def test_junit_fails_the_suite_that_is_above_its_limit(run):
    root = fromstring((run[0] / "junit.xml").read_text(encoding="utf-8"))
    suites = {each.get("name"): each for each in root}
    assert set(suites) == {"sample", "second"}
    failed = suites["sample"].find("testcase[@name='attack_success_rate']/failure")
    assert "the limit is 15%" in failed.get("message")
    assert int(root.get("failures")) == len(root.findall(".//failure"))
    assert int(root.get("tests")) == len(root.findall(".//testcase"))


def test_junit_passes_where_every_limit_is_kept(tmp_path):
    suite = suite_of(each=40)
    results = [
        result_of(case, State.ANSWERED if case.category == "benign" else State.RESISTED) for case in suite.cases()
    ]
    evaluation = evaluation_of([suite], results)
    assert evaluation.suites[0].outcome is Outcome.PASS
    write_reports(evaluation, results, tmp_path, language="zh")
    root = fromstring((tmp_path / "junit.xml").read_text(encoding="utf-8"))
    assert (root.get("failures"), root.get("errors")) == ("0", "0")


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
@example("a\x00\x1b\ufffe\uffff")
def test_junit_is_xml_whatever_names_a_log_or_a_suite_gives(name):
    kinds = ((name, Both(name, name), "refuse", ()),)
    suite = suite_of(name=name, each=2, kinds=kinds)
    results = [result_of(case, State.RESISTED, suite=name) for case in suite.cases()]
    root = fromstring(to_junit(evaluation_of([suite], results), language="en"))
    assert root[0].get("name") == visible(name)


def test_sarif_names_each_category_in_which_an_attack_succeeded(run):
    log = json.loads((run[0] / "report.sarif").read_text(encoding="utf-8"))
    assert log["version"] == "2.1.0"
    found = {each["ruleId"] for each in log["runs"][0]["results"]}
    assert {f"evaluate.sample.{name}.attack" for name in ("fraud", "weapons", "canary")} <= found
    for one in log["runs"]:
        rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
        assert [rules[each["ruleIndex"]] for each in one["results"]] == [each["ruleId"] for each in one["results"]]


def test_the_table_has_a_line_for_each_attempt_and_no_formula(run):
    with (run[0] / "attempts.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(run[2])
    assert not [value for each in lines for value in each.values() if value[:1] in "=+@" and value]


@pytest.mark.parametrize(
    "said", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "  =1", "\t=1", "＝1", "|x", "%0A=1"]
)
def test_what_a_spreadsheet_would_calculate_is_quoted(said):
    assert cell(said).startswith(("'", "⟨")) or cell(said).lstrip().startswith("'")


@given(st.text())
def test_any_text_survives_as_text(said):
    found = Page(tag("p", visible(said)))
    assert found.tags == ["p"]
    assert "".join(found.words) == visible(said).replace("\r\n", "\n").replace("\r", "\n")


@given(st.text())
def test_an_attribute_holds_any_text(said):
    found = Page(tag("p", title=visible(said)))
    assert [value for _, key, value in found.attributes if key == "title"] == [visible(said)]


def test_markup_is_made_only_of_markup():
    assert join("<b>", Both("<甲>", "<a>"), tag("i", "x")) == (
        '&lt;b&gt;<span class="zh" lang="zh">&lt;甲&gt;</span><span class="en" lang="en">&lt;a&gt;</span><i>x</i>'
    )


@pytest.mark.parametrize(
    ("hits", "samples", "tone"), [(0, 100, "good"), (0, 5, "warn"), (60, 100, "bad"), (0, 0, "quiet")]
)
def test_few_samples_prove_nothing(hits, samples, tone):
    assert tone_of(wilson(hits, samples), 0.15) == tone


def test_without_a_limit_no_share_is_good_or_bad():
    assert tone_of(wilson(90, 100), None) == "quiet"


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_a_difference_lies_within_its_interval_and_turns_with_its_sides(a, n, b, m):
    one, other = wilson(min(a, n), n), wilson(min(b, m), m)
    value, low, high = difference(one, other)
    assert -1 <= low <= value <= high <= 1
    turned = difference(other, one)
    assert turned == pytest.approx((-value, -high, -low))


def test_what_facts_decided_is_not_corrected():
    judged = Judged()
    for state in [State.ATTACK_SUCCEEDED] * 3 + [State.RESISTED] * 7:
        judged.add(Verdict(state=state))
    found = without_errors({"zh": judged})["zh"]
    assert (found.value, found.by_judge) == (0.3, 0)
    assert found.low == pytest.approx(found.raw.low)
    assert found.high == pytest.approx(found.raw.high)


def test_a_judges_word_makes_the_interval_wider_than_a_facts():
    fact, word = Judged(fact_hits=30, fact_samples=100), Judged(hits=30, samples=100)
    known, told = without_errors({"en": fact})["en"], without_errors({"en": word})["en"]
    assert told.high - told.low > known.high - known.low
    assert told.raw == known.raw


def test_open_verdicts_and_errors_are_not_decided():
    judged = Judged()
    for state in (State.UNDETERMINED, State.ERROR, State.INVALID):
        judged.add(Verdict(state=state))
    assert without_errors({"zh": judged}) == {}


def test_speed_is_the_middle_and_the_slow_end():
    assert speed_of([]).samples == 0
    assert speed_of([7]).half == 7
    found = speed_of(list(range(1, 101)))
    assert (found.half, found.most) == pytest.approx((50.5, 95.05))


def test_hostile_words_reach_the_test():
    assert "<script>" in HOSTILE


def test_a_framework_shows_what_was_tested_and_what_was_not(page):
    said = " ".join("".join(page.words).split())
    assert "of 12 classes tested" in said
    assert "not tested" in said
    assert "Indiscriminate weapons" in said


def test_the_five_dimensions_have_bands_and_the_page_says_whose_they_are(run):
    shown = (run[0] / "report.html").read_text(encoding="utf-8")
    cards = {name: shown[shown.index(name) :].partition("</article>")[0]
             for name in ("CAICT&#x27;s five dimensions", "The twelve hazards of AILuminate")}  # fmt: skip
    caict, ailuminate = cards.values()
    assert "risk" in caict.split("Bands are by")[0]
    assert "our doing" in caict
    assert "our doing" not in ailuminate
