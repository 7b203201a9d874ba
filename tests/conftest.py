"""Speed is measured by `make claims`, never by a test: a loaded machine is not a failure."""

from importlib.util import find_spec

if find_spec("hypothesis") is not None:  # the environment of the neural experts has none
    from hypothesis import settings

    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
