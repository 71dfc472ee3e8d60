"""What secrets look like: the expressions of `victor.core.secret_text`, compiled when the first text is redacted.

Every expression reads a text in time that grows with its length alone: what repeats is bounded, or nothing after it can
take the same characters. Those that search whole texts begin with a literal, which `re` finds fast.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "AFTER",
    "AFTER_ELEMENT",
    "AUTHORIZATION_VALUE",
    "BEARER",
    "BEFORE_FLAG",
    "BEFORE_LOGIN",
    "BEFORE_PAIR",
    "BEFORE_VALUE",
    "BY",
    "CODE",
    "COMMAND",
    "COMMANDS",
    "ELEMENT_VALUE",
    "HUMPS",
    "IMAGE",
    "INNOCENT",
    "KEY_OF",
    "LINE_VALUE",
    "NAME",
    "PEM",
    "PLACEHOLDER",
    "QUERY_VALUE",
    "SHAPES",
    "SHORTEST_SHAPE",
    "SHORT_FLAG",
    "STRONG",
    "USERINFO",
    "USER_FLAG",
    "VALUE",
    "WEBHOOK",
    "WEBHOOKS",
    "WORDS",
]

_GLUED = (
    r"pass(?:word|wd|phrase)|passwort|secret|api[_\-. ]?key|apikey|(?:access|private|secret|account|auth|master|"
    r"signing|encryption|subscription|storage|shared|license|service|client|consumer|functions?)[_\-. ]?key|"
    r"(?:auth|access|refresh|session|bearer|id|csrf|xsrf|api|bot|user|security)token"
)
_WORDS = rf"{_GLUED}|passcode|pwd|token|credentials?|jwt|bearer|authorization|connection[_\-. ]?string|set[_\-]cookie"
NAME: Final = re.compile(
    rf"(?:^|[_\-. ])(?:{_WORDS}|pass|cookies?|session[_\-. ]?id|dsn|auth|otp|totp|mfa[_\-. ]?code|pin|cvv|cvc|ssn|"
    rf"signature|sig)s?(?:$|[_\-. ])|(?:{_GLUED})s?(?:$|[_\-. ])",
    re.IGNORECASE,
)
"""Names whose value is a secret."""
STRONG: Final = re.compile(rf"(?:^|[_\-. ])(?:{_WORDS})s?(?:$|[_\-. ])|(?:{_GLUED})s?(?:$|[_\-. ])", re.IGNORECASE)
"""Names whose value is a secret whatever it looks like."""
INNOCENT: Final = re.compile(
    r"(?:(?:max|min|total|input|output|cached?|cache_read|cache_write|prompt|completion|reasoning|num|n)[_\- ]?)?tokens"
    r"(?:_\w+)?"
    r"|token_(?:id|ids|index|limits?|budgets?|usage|type|counts?)"
    r"|.{1,80}[_\- ](?:policy|policies|types?|methods?|sock|ur[il]|endpoint|counts?|limits?|budget|usage|length|len|"
    r"names?|files?|path|paths|dir|expir(?:y|es|ation)|expires_(?:in|at)|ttl|lifetime|algorithm|version|required|"
    r"enabled|disabled|provider|issuer|strategy|fields?|scopes?|rules?|strength|format|created_at|updated_at|arn)"
    r"|(?:is|has|needs?|requires?)[_\- ].{1,80}",
    re.IGNORECASE,
)
"""Names that look telling and are not."""
HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a name in camel case is parted."""
WORDS: Final = (
    "pass", "pwd", "secret", "token", "key", "credential", "auth", "cookie", "session", "connection", "dsn", "jwt",
    "bearer", "otp", "pin", "cv", "sig", "ssn", "mfa", "identified",
)  # fmt: skip
"""One of these, in lower case, is in every text in which a name could tell a secret."""

_BARE = r"""(?:[^\s"'`,;&)}\]<\\]|["'`)}\]](?=[A-Za-z0-9])|<(?!/)|[,;&](?!\s|[\w.\-]{1,40}[=:]|\Z)|\\(?!["'`nrt\\]))+"""
_PLAIN = r"[^\[\](){}\n]++"
_FLAT = rf"[\[({{](?:{_PLAIN})?+[\])}}]"
_DEEP = rf"[\[({{](?:{_PLAIN}|[\[({{](?:{_PLAIN}|{_FLAT})*+[\])}}])*+[\])}}]"
VALUE: Final = re.compile(
    r"""(?P<start>[bBrRuUfF]{0,2}(?P<quote>\\{0,31}(?:"{3}|'{3}|["'`])))(?:.*?)(?P<end>(?<!\\)(?P=quote)|(?=[\r\n])|\Z)"""
    r"""|[|>][+\-0-9]{0,2}[ \t]{0,8}\n(?:[ \t]+[^\n]*(?:\n|\Z))+"""
    rf"""|(?:{_DEEP})(?:{_BARE})?|[\[({{][^\n]*|{_BARE}"""
)
"""What follows a telling name: quoted (also by escaped quotes), a YAML block, in brackets, or bare to where it ends."""
AUTHORIZATION_VALUE: Final = re.compile(
    r"""(?P<start>b?(?P<quote>\\{0,31}["']))(?:.*?)(?P<end>(?<!\\)(?P=quote)|(?=[\r\n])|\Z)|[Dd]igest\b[^\r\n]+|[^\r\n"'\\]+"""
)
"""The value of an ``Authorization`` header."""
LINE_VALUE: Final = re.compile(
    r"""(?P<start>b?(?P<quote>\\{0,31}["']))(?:.*?)(?P<end>(?<!\\)(?P=quote)|(?=[\r\n])|\Z)|[^\r\n]+"""
)
"""A value that goes to the end of its line."""
QUERY_VALUE: Final = re.compile(r"""[^\s&#"'<>]+""")
"""A value in the query of a URL."""
ELEMENT_VALUE: Final = re.compile(r"[^<]+")
"""The text of an XML element."""
PLACEHOLDER: Final = re.compile(
    r"\$\{[A-Z0-9_]{1,64}\}?|\{\{?\s{0,2}[a-z_.]{0,40}\s{0,2}\}{0,2}|<[a-z][a-z _\-]{0,30}>?"
    r"|%\(?[a-z_]{0,30}\)?s|\*+|\.{2,3}|…|x{3,}|-+"
    r"|(?:None|null|nil|undefined|true|false|yes|no|not|the|a|an|is|are|was|be|to|of|in|on|for|and|or|as|if|by|with|"
    r"from|at|it|this|that|your|my|must|should|can|may|will|has|have|required|optional|missing|invalid|expired|empty|"
    r"incorrect|wrong|mismatch|unknown|unset|none|str|string|int|integer|number|bool|boolean|bytes|object|Any|Optional|"
    r"SecretStr|type|file|flag|option|argument|parameter|switch|policy|field|name|value|text|which|when|where|what|"
    r"how|here|see|use|set|at|least|per|each|every|one|both)(?:[.:,|]|\[[\w, |]{0,40}\]?)?"
    r"|(?:self|cls|os|sys|settings|config|env|process|request|args|options|getpass|secrets|vault)\.[\w.]{1,60}(?:[(\[].{0,40})?",
    re.IGNORECASE,
)
"""Values that stand for a secret, describe it or are a word of a sentence."""

AFTER: Final = re.compile(
    r"""[A-Za-z0-9_.\-]{0,64}+(?:"""
    r"""(?P<assign>(?P<quoted>\\{0,31}["']|%22)?\]?[ \t]{0,8}(?P<sign>=>|:=|={1,2}|:|%3[AaDd])[ \t]{0,8}(?:%22)?)"""
    r"""|(?P<value>\\{0,31}["'][\s,;]{1,8}\\{0,31}["']?(?:value|val|v|content|data)\\{0,31}["']?\s{0,4}[:=]\s{0,4})"""
    r"""|(?P<pair>\\{0,31}["']\s{0,4},\s{0,4}(?=b?\\{0,31}["']))"""
    r"""|(?P<said>\s{1,4}(?:is|was)[ \t]{0,2}:?[ \t]{1,4})"""
    r"""|(?P<space>(?:\\{0,31}["'])?\s{1,4}(?=\S)))"""
)
"""What may stand between a name and its secret: a sign, ``"value":``, the comma of a pair, "is" or a space."""
AFTER_ELEMENT: Final = re.compile(r"[A-Za-z0-9_.\-]{0,64}+(?P<element>(?:\s[^<>]{0,200})?>(?=[^<\s]))")
"""What stands between a name and the text of an XML element."""
BY: Final = re.compile(r"by\s{1,4}(?=')", re.IGNORECASE)
"""The word in ``identified by``."""
BEFORE_PAIR: Final = re.compile(r"""[\[(]\s{0,4}b?\\{0,31}["']\Z""")
"""What stands before the name in a pair."""
BEFORE_VALUE: Final = re.compile(
    r"""\b(?:name|key|header|field|k)\\{0,31}["']?\s{0,4}[:=]\s{0,4}b?\\{0,31}["']\Z""", re.IGNORECASE
)
"""What stands before a name that is itself a value: ``"name": "``."""
BEFORE_FLAG: Final = re.compile(r"(?<![\w\-])--?\Z")
"""The dashes of an option."""
BEFORE_LOGIN: Final = re.compile(r"\blogin\s{1,4}\S{1,128}\s{1,4}\Z")
"""What stands before a password in ``login USER PASSWORD``."""
KEY_OF: Final = (
    "api ",
    "access ",
    "secret ",
    "private ",
    "account ",
    "subscription ",
    "master ",
    "encryption ",
    "signing ",
    "license ",
)
"""Words before "key" that make a secret of it."""

SHORT_FLAG: Final = re.compile(
    r"""[\s"'(\[]-(?P<flag>[paPw])(?P<gap>\\{0,31}["']\s{0,2},?\s{0,4}|[ \t]{1,4}|=)?(?=[^\s,.;:)\-])"""
)
"""An option of one letter that may take a password."""
USER_FLAG: Final = re.compile(
    r"""[\s"'(\[](?:-[uU]|--(?:proxy-)?user|--userpwd)(?:\\{0,31}["']?\s{0,2},?\s{0,4}|=)b?\\{0,31}["']?"""
    r"""(?P<user>[\w.@%+\-\\]{0,64}):(?=[^\s:])"""
)
"""An option that takes ``USER:PASSWORD``."""
COMMAND: Final = re.compile(
    r"""\b(?:mysql\w*|mariadb\w*|sshpass|mongo\w*|(?:docker|podman|nerdctl|crane|buildah|skopeo|oras|oc|cf|az|registry)"""
    r"""["',\s]{1,4}login|sqlcmd|bcp|zip|unzip|7z\w?|smbclient|twine|ldap\w+|redis-cli|psexec|expect|htpasswd|rar|unrar)\b"""
)
"""Programs that take a password as an option."""
COMMANDS: Final = ("redis-cli", "ldap", "zip", "sqlcmd", "bcp", "smbclient", "7z", "rar")
"""Those whose flag for a password is not ``-p``."""
BEARER: Final = re.compile(r"(?P<gap>\s{1,4}|%20)(?P<value>[A-Za-z0-9+/=_\-.~]{6,})")
"""A token behind ``Bearer``."""
USERINFO: Final = re.compile(
    r""":(?:\\{0,31}/){2}(?!(?:git|hg|svn)@)(?P<who>(?:[^\s/@"'<>\\]|\\++(?!["'/]))+(?:@[^\s/@"'<>\\]+)*)@(?=[^\s@])"""
)
"""User and password in a URL."""
CODE: Final = re.compile(r"""[?&#](?:key|code|ticket|assertion|sid)=(?!\[redacted)(?P<value>[^\s&#"'<>]+)""")
"""A code or key in the query of a URL."""
IMAGE: Final = re.compile(
    r"(?P<head>data:[\w.+/\-]{1,60}(?:;[\w=\-]{1,30}){0,4};base64,[A-Za-z0-9+/]{16})(?P<rest>[A-Za-z0-9+/]{1000,}+={0,2})"
)
"""A picture as a data URL."""
PEM: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
"""A private key in PEM form."""
WEBHOOK: Final = re.compile(
    r"(?P<head>hooks\.slack\.com/(?:services|workflows|triggers)/|/api/webhooks/\d{5,25}/|"
    r"webhook\.office\.com/webhookb2/|api\.telegram\.org/bot)[A-Za-z0-9_\-/:@]{8,}"
)
"""The secret part of a webhook."""
WEBHOOKS: Final = ("hooks.slack", "/api/webhooks/", "webhookb2", "api.telegram")
"""One of these is in every text with a webhook."""
SHAPES: Final = re.compile(
    r"\b(?:sk-(?:[A-Za-z0-9]{1,24}[-_]){0,8}(?=[a-z]{0,60}[A-Z0-9])[A-Za-z0-9]{16,}[A-Za-z0-9_\-]*"
    r"|[spr]k_(?:live|test|prod)_[A-Za-z0-9_]{12,}|sk_(?=[a-z]{0,60}[A-Z0-9])[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{16,}"
    r"|sess-[A-Za-z0-9]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|v1\.[0-9a-f]{40}\b"
    r"|gl(?:pat|dt|rt|cbt|ptt|ft|oas|imt|agent|soat|ffct)-[A-Za-z0-9_\-.]{16,}|GR1348941[A-Za-z0-9_\-]{16,}"
    r"|ATBB[A-Za-z0-9]{24,}|ATATT3[A-Za-z0-9_\-=]{20,}"
    r"|xox[a-z]{1,2}-[A-Za-z0-9\-.]{10,}|xapp-\d-[A-Za-z0-9\-]{10,}"
    r"|AIza[A-Za-z0-9_\-]{30,}|ya29\.[A-Za-z0-9_\-]{16,}|GOCSPX-[A-Za-z0-9_\-]{20,}"
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|(?:FwoGZXIvYXdz|IQoJb3JpZ2luX2|AQoDYXdz)[A-Za-z0-9+/=]{16,}"
    r"|hf_[A-Za-z0-9]{20,}|api_org_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{30,}"
    r"|rubygems_[0-9a-f]{40,}|dckr_pat_[A-Za-z0-9_\-]{20,}|oy2[a-z0-9]{43}\b"
    r"|(?:(?:gsk|ntn|r8|pcsk|nfp|sbp|figd|glsa|glc|lsv2|tskey|xai|pplx|tvly|fo1|ops|sntrys|sntryu|NRAK|PMAK|HRKU|napi|"
    r"pscale_tkn|pscale_pw|lin_api|do[opr]_v1|shp(?:at|ca|pa|ss))[_\-]|(?:hvs|hvb|hvr)\.|dapi)"
    r"(?=[A-Za-z_\-]{0,80}[0-9])[A-Za-z0-9_\-.]{24,}"
    r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|SK[0-9a-f]{32}\b|key-[0-9a-f]{32}\b|secret_[A-Za-z0-9]{40,}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{50,}|\d{8,10}:AA[A-Za-z0-9_\-]{32,35}(?![\w\-])"
    r"|1//0[A-Za-z0-9_\-]{30,}"
    r"|(?<![\w\-]{2})eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){0,4})"
    r"|(?<![\w~.\-])[A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,37}"
)
"""Secrets that are known by their shape alone."""
SHORTEST_SHAPE: Final = 15
"""Characters of the shortest of these."""
