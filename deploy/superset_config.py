"""Settings of Superset (`make superset`): those that it ships, and a browser that asks it alone."""

from superset.config import TALISMAN_CONFIG

# its pages report each visit by a picture that they fetch from elsewhere
_POLICY = TALISMAN_CONFIG["content_security_policy"]
_POLICY["img-src"] = ["'self'", "blob:", "data:"]
_POLICY["connect-src"] = ["'self'"]
