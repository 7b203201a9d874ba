"""What every test runs under.

Speed is measured by `make claims`, never by a test: a loaded machine is not a failure. Property
tests try the same examples on every machine, so that a change is judged by what it changed;
`make fuzz` looks for new ones.
"""

import os
from importlib.util import find_spec

if find_spec("hypothesis") is not None:  # the environment of the neural experts has none
    from hypothesis import settings

    settings.register_profile("same", deadline=None, derandomize=True, database=None)
    settings.register_profile("fuzz", deadline=None, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
