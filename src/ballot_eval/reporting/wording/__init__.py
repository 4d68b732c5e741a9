"""The numbers, names and rule-chosen sentences that the text of the report refers to."""
