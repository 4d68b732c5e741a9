"""The set that an organisation replaces: what is read of it, and the docx that its script makes."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile

import pytest

import ballot_eval as be
from ballot_eval.figures import base
from ballot_eval.reporting.house_style import css_of

LAYER = """/*-- scss:defaults --*/
// A remark.
$ink: #123456 !default;
$link-color: $ink;
$fonts: system-ui, "Segoe UI";
/*-- scss:rules --*/
a { color: $link-color; border: calc(1px + #{$ink}); }  // why
/* A remark
   // with $another in it. */
body { font-family: $fonts; background: url("a//b"); }
"""


def test_variables_are_filled_in_and_remarks_left_out():
    assert css_of(LAYER).splitlines() == [
        "a { color: #123456; border: calc(1px + #123456); }",
        'body { font-family: system-ui, "Segoe UI"; background: url("a//b"); }',
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a { color: $unknown; }", r"\$unknown is not among the defaults"),
        ("@include button;", "needs Sass"),
        ("a { @extend .b; }", "needs Sass"),
        ("/*-- scss:functions --*/\n@function f() { }", "scss:defaults and scss:rules"),
        ("/*-- scss:defaults --*/\n$a: 1", "only '\\$variable: value;'"),
    ],
)
def test_what_only_sass_understands_is_refused_with_its_line(line, said):
    number = LAYER.count("\n") + 1 + line.count("\n")
    with pytest.raises(be.BallotEvalError, match=rf"house.scss, line {number}: .*{said}"):
        css_of(LAYER + line)


def test_the_layer_of_the_repository_is_read(root):
    scss = (root / "report/styles/house.scss").read_text(encoding="utf-8")
    css = css_of(scss)
    assert "$" not in css
    for selector in (".skip-link", ".banner", ".table-scroll", "h1.title", "@media print"):
        assert selector in css


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_colours_of_the_pdf_have_contrast_on_paper(root):
    typ = (root / "report/styles/house.typ").read_text(encoding="utf-8")
    colours = re.findall(r'rgb\("(#\w{6})"\)', typ)
    assert len(colours) >= 3
    assert all(contrast(colour, "#FFFFFF") >= 4.5 for colour in colours)


@pytest.mark.parametrize("mark", ["BLUE", "ORANGE", "GREEN", "BLACK", "GREY"])
def test_marks_and_words_of_figures_have_contrast(mark):
    colour = getattr(base, mark)
    inks = {"white": "#FFFFFF", "black": "#000000"}
    assert contrast(colour, "#FFFFFF") >= 3
    assert contrast(base.text_color(colour), "#FFFFFF") >= 4.5
    assert contrast(inks[base.ink_on(colour)], colour) >= 4.5


def test_the_reference_of_the_docx_is_what_its_script_makes(root, tmp_path):
    script = tmp_path / "make_reference.py"
    script.write_bytes((root / "report/styles/make_reference.py").read_bytes())
    subprocess.run([sys.executable, str(script)], check=True)
    made = {}
    for file in (tmp_path / "reference.docx", root / "report/styles/reference.docx"):
        with zipfile.ZipFile(file) as archive:
            made[file.parent.name] = {name: archive.read(name) for name in archive.namelist()}
    first, second = made.values()
    assert first == second
