"""The html in a real browser: rules of accessibility, the keyboard, and a page as wide as a phone.

The law asks for WCAG 2.2 AA by way of EN 301 549. A browser can judge part of it; the rest is in
`docs/decisions/0017-accessibility.md`.
"""

from __future__ import annotations

import shutil
from importlib.resources import files
from itertools import pairwise

import pytest

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
WIDTHS = {"desk": 1280, "phone": 360}

#: The rows of a table are alike, and the colours of all of them take the browser minutes.
FEW_ROWS = "document.querySelectorAll('tbody tr:nth-child(n+3)').forEach(row => row.remove())"


@pytest.fixture(scope="module")
def chromium():
    """Return a running browser, or skip where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=["index", "index-en"])
def report(request, finished):
    return (finished / "out/report" / f"{request.param}.html").as_uri()


@pytest.fixture(params=list(WIDTHS))
def page(request, chromium, report):
    opened = chromium.new_page(viewport={"width": WIDTHS[request.param], "height": 800})
    opened.goto(report)
    yield opened
    opened.close()


def violations(page, kind: str, values: list[str]) -> list[tuple[str, str]]:
    """Return what axe finds wrong: the rule and the html of the first place."""
    page.evaluate(FEW_ROWS)
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    options = {"runOnly": {"type": kind, "values": values}, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [(v["id"], v["nodes"][0]["html"][:300]) for v in found["violations"]]


def test_axe_finds_nothing_wrong(page):
    assert violations(page, "tag", TAGS) == []


def test_axe_finds_what_is_wrong(chromium, finished):
    page = chromium.new_page()
    page.goto((finished / "out/report/index.html").as_uri())
    page.evaluate(
        "for (const name of ['alt', 'role', 'aria-label'])"
        "  document.querySelector('img').removeAttribute(name);"
        "document.querySelector('h2').outerHTML = '<h4>.</h4>';"
        "document.querySelector('main').lang = 'xx-nowhere'"
    )
    rules = ["image-alt", "heading-order", "valid-lang"]
    assert {rule for rule, _ in violations(page, "rule", rules)} == set(rules)
    page.close()


def test_the_page_itself_does_not_scroll_sideways_but_a_wide_table_does(page):
    wide = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    scrolling = page.evaluate(
        "[...document.querySelectorAll('table')].map(t => t.parentElement)"
        ".filter(r => r.scrollWidth > r.clientWidth)"
        ".map(r => [r.tabIndex, r.getAttribute('role'), r.getAttribute('aria-label')])"
    )
    assert all(index == 0 and role == "region" and label for index, role, label in scrolling)
    assert page.viewport_size["width"] > 1000 or len(scrolling) > 10


def test_headings_landmarks_tables_and_images_say_what_they_are(page):
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for landmark in ("main", "nav", "body > header"):
        assert page.locator(landmark).count() == 1
    assert page.title() == page.locator("h1").inner_text()
    tables = page.locator("table").count()
    assert page.locator("table > caption").count() == tables > 40
    assert page.locator("thead th:not([scope=col]), tbody th:not([scope=row])").count() == 0
    assert page.locator("tbody th[scope=row]").count() > tables
    names = page.evaluate("[...document.querySelectorAll('main [href]')].map(a => a.innerText)")
    assert all(name.strip() for name in names)


def test_the_keyboard_comes_first_to_the_text_and_never_under_the_notice(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    assert page.locator(".skip-link").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
    # Backwards the page scrolls up, where the notice sticks.
    for _ in range(6):
        page.keyboard.press("Shift+Tab")
        top, bottom = page.evaluate(
            "[document.activeElement.getBoundingClientRect().top,"
            " document.querySelector('.banner').getBoundingClientRect().bottom]"
        )
        assert top >= bottom
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
