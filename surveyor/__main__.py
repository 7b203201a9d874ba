"""`python -m surveyor` is the `surveyor` command, where its script is not on the path."""

from __future__ import annotations

from surveyor.cli.main import main

main()
