"""Markdown for a code host, from what evaluate wrote."""

import copy
import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis.strategies import text
from markdown_it import MarkdownIt

from stages.evaluate.gate_report import BEGIN, END
from stages.evaluate.headline import headline
from stages.evaluate.short_report import Base, Change, code, plain, sentence, short_report


def figures(f1, low, high, **more):
    values = dict.fromkeys(("ap50", "ap50_95", "ar", "precision", "recall", "f1"), f1)
    values["false_positives_per_picture"] = 0.4
    return {**values, "objects": 24, "interval": {key: [low, high] for key in values}, **more}


def measured(f1=0.8, low=0.7, high=0.9, **more):
    item = figures(f1, low, high, pictures=15, classes={"pallet_truck": figures(f1, low, high)})
    return item | {"notes": [], "worst_slices": [], "shown": []} | more


DETAILS = {
    "schema": 2,
    "model": {
        "file": "best.onnx",
        "sha256": "a1",
        "run_id": "run7",
        "classes": ["pallet_truck"],
        "input_size": [640, 640],
        "threshold": 0.395,
        "threshold_chosen": True,
    },
    "real": {"loco-dev": measured(worst_slices=[{"sentence": "box_height 32 to 64: recall 0.50"}])},
    "sim": measured(0.6, 0.5, 0.7),
    "gap": {},
}
SHOWN = [
    {"kind": kind, "file": f"loco-dev-{kind}-{number}.jpg", "caption": f"{number}.jpg: {kind}"}
    for kind in ("worst", "missed", "wrong", "hard")
    for number in (1, 2)
]


def details(**changes):
    return copy.deepcopy(DETAILS) | changes


def metrics(**sets):
    """As in ``metrics.json``."""
    return {"real": {"loco-dev": measured()}, "sim": measured(0.6, 0.5, 0.7)} | sets


def row(text, start):
    return next(line for line in text.splitlines() if line.startswith(f"| {start}"))


def test_without_a_base_it_is_the_report_of_one_model():
    text = short_report(details())
    assert text.startswith("# Evaluation of best.onnx\n\nClasses pallet_truck; input 640 × 640 pixels;")
    assert "operating threshold 0.395; MLflow run `run7`." in text
    assert "| 0.800<br><sub>0.70 to 0.90</sub> |" in row(text, "**loco-dev**")
    assert "Changed settings" not in text
    assert "- loco-dev: box_height 32 to 64: recall 0.50" in text
    assert f"{BEGIN}\nThe gate has not decided about this model yet" in text
    assert text.index(END) < text.index("## Figures")


def test_the_real_sets_come_before_the_renders():
    text = short_report(details())
    assert text.index("**loco-dev**") < text.index("**sim**")


def test_differences_to_the_base_are_bold_where_the_intervals_lie_apart():
    base = Base(
        "main (abc)", metrics(real={"loco-dev": measured(0.75, 0.6, 0.85)}, sim=measured(0.3, 0.2, 0.4)), "", []
    )
    text = short_report(details(), base)
    assert "0.800<br><sub>0.70 to 0.90</sub><br>+0.050 |" in row(text, "**loco-dev**")
    assert "0.600<br><sub>0.50 to 0.70</sub><br>**+0.300** |" in row(text, "**sim**")
    assert "0.400<br><sub>0.50 to 0.70</sub><br>±0 |" in row(text, "**sim**")
    assert "differences to main (abc), in bold where" in text
    assert "The pictures are not the same" not in text


def test_the_base_may_be_a_metrics_file_which_has_headline_figures_alone():
    """Schema 2: no classes, no recall over all thresholds, and an interval of F1 only."""
    other = metrics(real={"loco-dev": measured(0.75, 0.6, 0.85, pictures=15)}, sim=measured(0.3, 0.2, 0.4))
    content = headline({"schema": 2, "gap": {"loco-dev": {"kid": 0.1, "content": {"box_height": 0.2}}}} | other)
    assert content["real"]["loco-dev"].keys() == {
        *("f1", "f1_low", "f1_high", "ap50", "ap50_95", "precision", "recall", "false_positives_per_picture"),
        *("kid", "pictures", "objects"),
    }
    text = short_report(details(), Base("main", content, "", []))
    cells = [cell.strip() for cell in row(text, "**loco-dev**").split("|")]
    assert cells[3] == "0.800<br><sub>0.70 to 0.90</sub><br>+0.050"
    assert cells[8].endswith("<br>±0")
    cells = [cell.strip() for cell in row(text, "**sim**").split("|")]
    assert cells[7] == "0.600<br><sub>0.50 to 0.70</sub><br>**+0.300**", "both intervals of F1 are known"
    assert cells[3] == "0.600<br><sub>0.50 to 0.70</sub><br>+0.300", "the base's interval is not known, so not bold"
    assert row(text, "pallet_truck").count("<br>") == 6, "classes are not compared"
    assert "differences to main, in bold where the two intervals of F1 do not overlap." in text
    assert "The pictures are not the same" not in text


def test_a_metrics_file_without_a_measured_set_compares_the_others():
    content = headline({"schema": 2, "gap": {}} | metrics(real={"loco-dev": {"pictures": 0, "reason": "no network"}}))
    assert content["real"] == {"loco-dev": {"pictures": 0}}
    text = short_report(details(), Base("main", content, "", []))
    assert row(text, "**loco-dev**").count("<br>") == 6
    assert "<br>±0 |" in row(text, "**sim**")


def test_a_fall_is_written_with_a_minus():
    base = Base("main", metrics(real={"loco-dev": measured(0.85)}), "", [])
    assert "<br>−0.050 |" in row(short_report(details(), base), "**loco-dev**")


def test_a_set_that_the_base_lacks_has_no_differences():
    base = Base("main", metrics(real={"loco-dev": {"pictures": 0, "reason": "no network"}}), "", [])
    text = short_report(details(), base)
    assert row(text, "**loco-dev**").count("<br>") == 6
    assert "The pictures are not the same: loco-dev has 24 objects here and 0 there." in text


def test_other_pictures_are_told():
    base = Base("main", metrics(sim=measured(0.6, 0.5, 0.7) | {"objects": 30}), "", [])
    assert "The pictures are not the same: sim has 24 objects here and 30 there." in short_report(details(), base)


def test_a_base_without_figures_is_told_with_the_reason():
    text = short_report(details(), Base("main", None, "there is no dvc.lock", None))
    assert "There is nothing to compare with: main has no figures (there is no dvc.lock)." in text
    assert "main has no params.yaml to compare with." in text


def test_changed_settings_are_a_table_of_values_as_they_are():
    changes = [
        Change("train.epochs", "2", "5"),
        Change("new", None, '"a|b `c` @all <b>"'),
        Change("old_one", "[1]", None),
    ]
    text = short_report(details(), Base("main", metrics(), "", changes))
    assert "| <code>train.epochs</code> | <code>2</code> | <code>5</code> |" in text
    assert "| <code>new</code> | – | <code>&quot;" not in text
    assert '| <code>new</code> | – | <code>"a&#124;b &#96;c&#96; &#64;all &lt;b&gt;"</code> |' in text
    assert "| <code>old&#95;one</code> | <code>&#91;1&#93;</code> | – |" in text
    assert "\nNone.\n" in short_report(details(), Base("main", metrics(), "", []))
    many = [Change(f"key{number:03d}", "1", "2") for number in range(100)]
    assert "40 more: `dvc params diff`." in short_report(details(), Base("main", metrics(), "", many))


def test_four_pictures_one_of_each_kind():
    text = short_report(details(real={"loco-dev": measured(shown=SHOWN)}))
    assert re.findall(r"\]\((.*?)\)", text) == [
        "pictures/loco-dev-worst-1.jpg",
        "pictures/loco-dev-missed-1.jpg",
        "pictures/loco-dev-wrong-1.jpg",
        "pictures/loco-dev-hard-1.jpg",
    ]


def test_the_link_leads_to_the_whole_report():
    assert "[report.html](https://host/1)" in short_report(details(), link="https://host/1")
    assert "`report.html` beside this file" in short_report(details())


def test_published_figures_stand_below_with_how_far_ahead_the_model_is():
    ahead = {"difference": 0.1, "interval": [-0.03, 0.2]}
    other = {"precision": 0.8, "recall": 0.7, "f1": 0.7, "ahead": dict.fromkeys(("precision", "recall", "f1"), ahead)}
    text = short_report(details(real={"loco-dev": measured(published={"nvidia": other})}))
    line = row(text, "published by nvidia")
    assert line.count("0.700<br><sub>we +0.100 (−0.03 to +0.20)</sub>") == 2
    assert line.count("–") == 3 + 0, "average precision and false positives are not known"


@pytest.mark.parametrize("real", [{}, {"loco": {"pictures": 0, "reason": "real=loco needs real.root"}}])
def test_nothing_real_is_said_in_bold(real):
    assert "**Nothing real was measured.**" in short_report(details(real=real))


@pytest.mark.parametrize(
    "base", [None, Base("main", None, "there is no dvc.lock", None), Base("main", metrics(), "", [])]
)
def test_no_line_ends_in_a_blank(base):
    text = short_report(details(real={"loco-dev": measured(shown=SHOWN, notes=["One was `cut`."])}), base)
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_reasons_read_well_as_text_and_their_commands_are_code():
    reason = "no photographs (error [-2]); then `dvc repro --force --single-item evaluate` measures again"
    assert f"loco-dev: {reason}." in short_report(details(real={"loco-dev": {"pictures": 0, "reason": reason}}))
    assert sentence("`a_b` is [1, 2] at x[0]`") == plain("`a_b` is [1, 2] at x[0]`"), "backticks that do not pair"
    assert sentence("a `` b") == "a \\`\\` b"
    assert sentence("`<b>@all` <b> @all") == "`<b>@all` &lt;b&gt; @\u200ball"


def shown(markdown):
    """What a reader sees, without blanks, and the HTML, by an independent implementation of CommonMark."""
    made = MarkdownIt("commonmark").render(markdown)
    return re.sub(r"[\s\u200b]", "", unescape(re.sub(r"<[^>]*>", "", made))), made


WILD = text(alphabet="[]()!:*#\\<>|ab -^", max_size=14)


@settings(max_examples=150)
@given(name=text(alphabet="[]()!:`*\\ab ", max_size=14), before=WILD, after=WILD)
def test_whatever_a_name_or_a_sentence_holds_is_shown_as_it_is_and_links_nowhere(name, before, after):
    said = f"{before} `dvc repro` {after}"
    seen, made = shown(f"- {plain(name)}: {sentence(said)}.\n\n[a]: /there\n")
    assert re.findall(r"<(?!/?(?:ul|li|code|p)>)[^>]*>", made) == []
    assert seen == f"{name}:{before}dvcrepro{after}.".replace(" ", "")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("an error [-2] in [0, 1] of it", "an error [-2] in [0, 1] of it"),
        ("[-2] is", "\\[-2\\] is"),
        ("see [x](y)", "see \\[x\\](y)"),
    ],
)
def test_only_brackets_that_could_be_a_link_are_escaped(said, written):
    assert plain(said) == written


def test_a_caption_with_a_bracket_does_not_end_its_picture():
    shown = [{"kind": "worst", "file": "a.jpg", "caption": "aisle [3.jpg: 2 missed"}]
    text = short_report(details(real={"loco-dev": measured(shown=shown)}))
    assert "![most errors: aisle \\[3.jpg: 2 missed](pictures/a.jpg)" in text
    assert "<sub>most errors: aisle [3.jpg: 2 missed</sub>" in text


def test_names_of_others_are_neither_markdown_nor_mentions():
    assert plain("a\n@team [x](http://y) <b> `c` | *d* www.z") == (
        "a @\u200bteam \\[x\\](http\u200b://y) &lt;b&gt; \\`c\\` \\| \\*d\\* www\u200b.z"
    )
    assert code("a\nb_|") == "<code>a b&#95;&#124;</code>"
