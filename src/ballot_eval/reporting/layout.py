"""Layout that every format of the report has a word of its own for."""

from __future__ import annotations


def image(alt: str, file: str) -> str:
    """Return an image in Markdown with its alternative text.

    The backslash keeps Pandoc from making a captioned figure of its own.
    """
    escaped = alt.replace("]", "\\]").replace("[", "\\[")
    return f"![{escaped}]({file})\\"


#: A page break in Markdown: each format takes its own block and leaves the others.
PAGE_BREAK = """```{=openxml}
<w:p><w:r><w:br w:type="page"/></w:r></w:p>
```

```{=typst}
#pagebreak(weak: true)
```

```{=html}
<div class="page-break"></div>
```
"""
