"""A lenient reader of final answers, ours, to be reported beside the official parsers.

It answers "did the model know it?" where the official parsers also ask "did it obey the format?".
It reads only what the model settles on: an ``<answer>`` block, a boxed or announced answer, a
reply that leads with its answer, or one that holds one candidate when what it rejects and what it
reasons with are off. Two candidates are no answer.

The rules are by kind of reply, see `surveyor.benchmarks.scorers.lenient_letters` and
`lenient_numbers`; they are held against replies that were labelled by hand before them
(``tests/fixtures/lenient``).
"""

from __future__ import annotations

from surveyor.benchmarks.scorers.lenient_letters import find_choice
from surveyor.benchmarks.scorers.lenient_numbers import find_number
from surveyor.benchmarks.scorers.stated import final_part

__all__ = ["final_part", "find_choice", "find_number"]
