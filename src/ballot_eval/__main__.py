"""``python -m ballot_eval``."""

from ballot_eval.cli import main

main()
