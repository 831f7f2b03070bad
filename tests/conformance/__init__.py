"""The definition of «supported»: one suite that every system passes, at the port and over its HTTP.

Reading order: bench (what a system's tests must be able to do to it), samples (what is sent, what may become
of it), records, watching, trouble (at the port), wire (over HTTP), suite (the two levels). To add a system,
give it a bench beside those in `benches` and a class of ten lines as in test_salesforce.py.
"""

import pytest

for _part in ("records", "watching", "trouble", "wire"):
    pytest.register_assert_rewrite(f"{__name__}.{_part}")
