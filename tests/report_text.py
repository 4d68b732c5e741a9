"""What a reader of the report in html sees, for comparing what two engines made of one source."""

from __future__ import annotations

from pathlib import Path

from lxml import html

#: What holds text of the report itself.
BLOCKS = ("h1", "h2", "h3", "h4", "p", "li", "th", "td", "caption", "figcaption")

#: Page furniture, which each engine has in its own way.
FURNITURE = (
    "//nav | //header | //script | //style | //*[@id='TOC'] | //*[@id='quarto-margin-sidebar']"
)


def blocks(page: Path) -> list[str]:
    """Return the texts of headings, paragraphs, cells and captions, in alphabetical order.

    In order of appearance they would differ: one engine puts a caption above, the other below.
    """
    document = html.fromstring(page.read_text(encoding="utf-8"))
    for element in document.xpath(FURNITURE):
        element.drop_tree()
    texts = []
    for element in document.iter(*BLOCKS):
        if any(parent.tag in BLOCKS for parent in element.iterancestors()):
            continue
        text = " ".join(element.text_content().replace("\u00a0", " ").split())
        if text:
            texts.append(text)
    return sorted(texts)


def images(page: Path) -> list[str]:
    """Return the alternative texts of the images, in order."""
    document = html.fromstring(page.read_text(encoding="utf-8"))
    return [str(image.get("alt")) for image in document.iter("img")]
