"""What surrounds the running of a call: cache, rate limit, retries and the cutting of long results.

Parsing, validation, approval, timeout and events are core's (`victor.core.tool.Tool.call`); these wrap what is
left, from the outside in: truncation, cache, rate limit, retries, then one attempt with its own timeout.
"""

from victor.tools.policy.policy import Policy

__all__ = ["Policy"]
