"""Results → words, tables and figures of the report → html, docx and pdf."""
