"""The policy that ``zoo policy init`` writes."""

from __future__ import annotations

TEMPLATE = """\
# The rules of this project on pretrained models. They apply to every zoo command and to Python, in this folder and
# below. Guide: docs/policy.md. After a change: zoo policy check && zoo policy test
policy-version = "1"
name = "%(name)s"

# The verdict on a fact that is not known, or not among what a rule allows: warn, needs-approval or deny.
unknown = "needs-approval"

# Rules of another file apply as well; they cannot be softened here.
# extends = "https://git.example.org/base-policy.toml#sha256=DIGEST"

[[rules]]
id = "licences"
# SPDX identifiers, patterns such as "BSD-*", or families: public-domain, permissive, weak-copyleft, copyleft,
# non-commercial.
allow.license = ["permissive", "public-domain"]
deny.license = ["non-commercial"]
message = "Ask for a review of the licence, then add an exception."
# exceptions = [{ id = "hf:owner/model", until = 2030-12-31, reason = "TICKET-1" }]

[[rules]]
id = "safety"
require.weights = ["safetensors", "onnx"]   # pickles can run code when they are loaded
deny.remote-code = true                     # code that comes with the model

# [[rules]]
# id = "origin"
# allow.source = ["hf", "pkg", "file"]
# deny.author = ["some-owner"]              # also denies what is derived from their models
# deny.id = ["hf:owner/model-*"]

# [[rules]]
# id = "size"
# on = ["tune"]                             # actions; without it, a rule applies to all
# warn.parameters = ">2B"
# deny.memory = ">24GB"

# Expected verdicts, checked by: zoo policy test
[[tests]]
model = "hf:example/non-commercial"
action = "pull"
expect = "deny"
facts = { license = "CC-BY-NC-4.0" }

[[tests]]
model = "hf:example/unknown-licence"
action = "tune"
expect = "needs-approval"
facts = { domain = "vision" }
"""


def template(name: str) -> str:
    """A commented policy.

    Args:
        name: the project's name.
    """
    import json

    return TEMPLATE % {"name": json.dumps(name)[1:-1]}
