"""Results as Markdown pipe tables, in either language; nothing is computed beyond counting rows."""
