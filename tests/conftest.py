"""What holds for every test: no generated example is timed, for the machine may be busy.

The profile `quick` tries fewer of them.
"""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)
settings.load_profile("untimed")
