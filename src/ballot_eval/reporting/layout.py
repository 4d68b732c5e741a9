"""Layout that every format of the report has a word of its own for."""

from __future__ import annotations

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
