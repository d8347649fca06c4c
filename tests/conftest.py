"""Settings for every test: Hypothesis profiles, and one thread for torch."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

# A forward pass may take long on a busy machine; that is no fault of the property.
settings.register_profile("ci", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", parent=settings.get_profile("ci"), max_examples=20_000)
# The same examples for every mutant, and no search for the smallest: that one fails is all that counts.
settings.register_profile(
    "mutation",
    parent=settings.get_profile("ci"),
    max_examples=25,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Two worker processes share two cores; threads on top of them fight.
os.environ.setdefault("OMP_NUM_THREADS", "1")
