"""Small lists of words that speak for a label. English; a label that is not here is judged by its own words alone."""

from __future__ import annotations

from functools import cache

from victor.core.ranking import STOP_WORDS, stem

__all__ = ["DECISIONS", "FALLBACKS", "label_words", "polarity"]

_POSITIVE = (
    "good great excellent amazing awesome wonderful fantastic love loved loves like liked enjoy enjoyed happy pleased "
    "delighted perfect best better nice brilliant superb outstanding helpful friendly fast easy reliable beautiful "
    "recommend recommended thank thanks glad satisfied impressive impressed works improved success successful win "
    "pleasant comfortable delicious fun charming smooth smoothly clean clear correct fine solid valuable worth "
    "worthwhile flawless gem joy smile favorite favourite grateful thrilled superior elegant stunning"
)
_NEGATIVE = (
    "bad terrible awful horrible hate hated hates worst worse poor broken break breaks broke fail fails failed failure "
    "failing error errors bug bugs buggy crash crashes crashed slow disappointing disappointed disappointment angry "
    "annoying annoyed useless waste wasted wrong problem problems issue issues difficult hard confusing rude dirty "
    "ugly "
    "unhappy never refund complain complaint expensive overpriced missing lost late delay delayed unacceptable boring "
    "sad sorry unfortunately lacks lacking defective faulty unsafe vulnerable vulnerability insecure leak leaks "
    "incorrect unclear untested regression dangerous harmful worthless mediocre cold noisy stale frustrating "
    "frustrated ridiculous painful unusable dull tedious mess messy damaged"
)
_NEGATIONS = frozenset(
    "not no never none without hardly barely cannot can't don't doesn't didn't isn't wasn't won't wouldn't neither nor "
    "lacks lacking nothing".split()
)
_STRONG = frozenset("very really so extremely absolutely totally highly incredibly truly too".split())

_LABELS: dict[str, str] = {
    "positive": _POSITIVE,
    "negative": _NEGATIVE,
    "approve": (
        "good correct clear tested complete works lgtm fine clean solid approve approved accept safe passes passed"
    ),
    "reject": _NEGATIVE + "  reject rejected untested todo fixme hardcoded password secret",
    "spam": (
        "free winner won prize click buy cheap offer limited urgent cash bonus lottery viagra casino "
        "discount deal congratulations guaranteed unsubscribe credit earn money claim selected exclusive"
    ),
    "urgent": (
        "urgent urgently asap immediately now emergency critical outage down blocker blocking today "
        "deadline severe security breach production data loss cannot stopped"
    ),
    "high": (
        "urgent urgently asap immediately emergency critical outage down blocker blocking severe "
        "security breach production loss important crash crashes cannot deadline must"
    ),
    "low": ("minor typo cosmetic someday eventually nice optional trivial small whenever low wish suggestion polish"),
    "bug": (
        "bug error crash crashes crashed exception traceback broken fails failed failure regression "
        "wrong incorrect stacktrace segfault hang hangs freeze doesn't reproduce steps expected actual "
        "unexpected"
    ),
    "feature": (
        "feature add support request would wish could enhancement improve option allow ability implement "
        "idea suggest suggestion propose proposal please love dark"
    ),
    "question": (
        "how what why when where which can could does is question ask wondering help understand explain anyone"
    ),
    "documentation": "docs documentation readme typo guide tutorial docstring explain example page manual",
    "complaint": _NEGATIVE + "  complain refund manager unacceptable",
    "praise": _POSITIVE + "  praise compliment kudos",
    "billing": (
        "invoice bill billing charge charged payment pay paid card refund subscription price cost money "
        "fee credit transaction bank plan"
    ),
    "account": (
        "account login password sign username profile email locked access reset verify authentication register"
    ),
    "shipping": (
        "shipping delivery package parcel arrived tracking courier order shipped late address deliver dispatched"
    ),
    "technical": (
        "error bug crash install installation software server api code connection configuration device "
        "update version screen network slow"
    ),
    "sales": (
        "buy purchase price pricing quote demo offer discount plan order license upgrade enterprise customer deal"
    ),
    "tutorial": (
        "tutorial step steps first let's lesson learn beginner walk walkthrough begin exercise create "
        "start getting started build your next finish you'll"
    ),
    "guide": (
        "guide how install installation configure configuration setup troubleshoot troubleshooting tip "
        "tips recipe contributing step steps follow prerequisite prerequisites quickstart usage habits"
    ),
    "reference": (
        "reference api parameter parameters argument arguments returns raises signature syntax glossary "
        "attributes methods exceptions"
    ),
    "explanation": (
        "explanation why because concept concepts background rationale overview theory understand "
        "principle principles trade-off means reason"
    ),
    "design": (
        "design architecture architectural layer layers component components interface principle "
        "principles rationale pattern floor house layout rooms kernel diagram"
    ),
    "plan": (
        "plan roadmap timeline milestone milestones week weeks month months quarter phase deliverable "
        "deliverables objective objectives goal goals budget risk risks schedule target priority "
        "strategy resource release duration"
    ),
    "report": (
        "report result results finding findings measured measurement measurements table figure summary "
        "quarter analysis conclusion average percent increased decreased compared total survey "
        "evaluation"
    ),
    "research": (
        "research study survey measured measurement measurements benchmark benchmarks tried experiment "
        "experiments finding findings evidence compared comparison peers facts sources hypothesis "
        "literature observed investigation baseline"
    ),
    "notes": "note notes meeting todo agenda attendees discussed action minutes remember log jotted",
    "meeting": ("meeting agenda attendees minutes discussed action item items next decided participants call sync"),
    "changelog": (
        "changelog added changed deprecated removed fixed unreleased release released version breaking security"
    ),
    "readme": ("readme install installation usage license contributing quickstart badge features pip getting started"),
    "policy": (
        "policy must shall comply compliance rule rules required prohibited employees procedure conduct "
        "regulation allowed forbidden mandatory convention conventions standard style"
    ),
    "conventions": (
        "convention conventions style naming habit habits rule rules write format lint commit code "
        "docstring standard standards never always"
    ),
    "contract": (
        "contract agreement party parties clause shall term terms termination liability hereby governing "
        "law signed obligations confidential indemnify breach provision"
    ),
    "legal": (
        "law legal court contract agreement liability party clause attorney lawsuit regulation statute "
        "judge plaintiff defendant copyright license hereby pursuant rights"
    ),
    "invoice": ("invoice total amount due bill billed payment vat tax subtotal quantity price number iban net order"),
    "email": ("dear regards sincerely subject sent inbox hi hello best thanks cc attached attachment forward reply"),
    "letter": "dear sincerely yours faithfully address regards letter madam sir",
    "resume": ("resume curriculum vitae experience education skills employment university degree references profile"),
    "article": "article author published story writes journalist editor reader newspaper magazine",
    "news": (
        "news reported announced today yesterday officials government police said minister according "
        "president agency statement spokesperson"
    ),
    "code": "def class import function return const var public static void struct package include print self",
    "specification": (
        "specification must shall should required optional format field version protocol requirement "
        "requirements conform schema defined implementation"
    ),
    "configuration": (
        "configuration config setting settings option options environment variable yaml toml default key "
        "value enable disable file"
    ),
    "testing": ("test tests testing unit integration pytest assert fixture coverage mock suite regression ci property"),
    "security": (
        "security vulnerability attack authentication authorization encryption password token secret "
        "breach exploit malware firewall access permission privacy threat"
    ),
    "performance": (
        "performance speed latency throughput benchmark fast slow memory cpu cache optimize optimization "
        "profile ms milliseconds overhead scale"
    ),
    "observability": (
        "metric metrics tracing trace span spans telemetry opentelemetry log logs logging dashboard "
        "alert alerts monitoring prometheus exporter latency collector"
    ),
    "infrastructure": (
        "server deploy deployment docker kubernetes cluster cloud network container pipeline host ci "
        "database monitoring terraform"
    ),
    "data": ("data dataset database table column row csv sql query schema analysis statistics record records pandas"),
    "development": (
        "code developer development programming software build package library test release refactor api "
        "framework python commit repository"
    ),
    "technology": (
        "technology software computer internet app ai data digital device phone smartphone startup code "
        "online robot chip cyber tech python server web"
    ),
    "business": (
        "business company market revenue profit sales customer customers investor investors growth "
        "strategy ceo startup acquisition industry shares quarter enterprise"
    ),
    "finance": (
        "finance financial bank money stock stocks market investment investor fund budget tax loan "
        "interest revenue profit cost costs price currency economy shares dividend inflation"
    ),
    "politics": (
        "politics political government president minister parliament election vote votes party senate "
        "congress policy law campaign candidate democracy coalition"
    ),
    "sports": (
        "sport sports game match team player players coach season league goal score scored win won "
        "championship tournament football soccer basketball tennis olympic stadium cup"
    ),
    "health": (
        "health medical doctor patient patients hospital disease treatment medicine drug symptoms "
        "vaccine nurse therapy clinical diet virus cancer illness clinic"
    ),
    "science": (
        "science scientific scientist scientists research researchers study experiment physics chemistry "
        "biology theory laboratory discovery species climate planet space universe cell molecule"
    ),
    "education": (
        "education school student students teacher university course exam lesson learning curriculum "
        "class college degree classroom pupil"
    ),
    "travel": (
        "travel trip flight hotel airport tourist vacation holiday destination beach ticket visit luggage passport"
    ),
    "food": (
        "food recipe cook cooking restaurant eat meal dish flavor taste ingredients kitchen dinner lunch "
        "bake oven sauce salt butter flour"
    ),
    "entertainment": (
        "movie film music song album actor actress series show concert celebrity director festival band "
        "theater episode streaming"
    ),
    "environment": (
        "environment climate carbon emissions pollution energy renewable solar wind forest species water "
        "conservation recycling biodiversity"
    ),
    "marketing": (
        "marketing campaign brand advertising audience customers content seo social conversion "
        "newsletter launch promotion market"
    ),
    "hr": (
        "employee employees hiring hire salary vacation leave benefits onboarding interview candidate "
        "recruiting payroll performance team"
    ),
    "support": "support help ticket issue customer problem contact assistance request service resolve",
    "greeting": "hello hi hey morning evening afternoon greetings welcome",
    "goodbye": "bye goodbye farewell later cya",
    "cancel": "cancel cancellation terminate stop end unsubscribe close quit",
    "order": "order ordered purchase buy bought cart checkout delivery",
    "return": "return refund exchange send back money damaged",
}
_SYNONYMS: dict[str, str] = {
    "pos": "positive", "good": "positive", "happy": "positive", "favorable": "positive", "neg": "negative",
    "bad": "negative", "unhappy": "negative", "angry": "negative", "unfavorable": "negative", "accept": "approve",
    "approved": "approve", "accepted": "approve", "lgtm": "approve", "pass": "approve", "rejected": "reject",
    "decline": "reject", "deny": "reject", "fail": "reject", "request_changes": "reject", "critical": "urgent",
    "junk": "spam", "phishing": "spam", "defect": "bug", "error": "bug", "incident": "bug", "problem": "bug",
    "enhancement": "feature", "idea": "feature", "suggestion": "feature", "proposal": "feature", "docs": "documentation",
    "doc": "documentation", "manual": "guide", "howto": "guide", "how-to": "guide", "api": "reference",
    "concept": "explanation", "background": "explanation", "architecture": "design", "adr": "design",
    "roadmap": "plan", "strategy": "plan", "survey": "research", "study": "research", "paper": "research",
    "minutes": "meeting", "release": "changelog", "cv": "resume", "spec": "specification", "config": "configuration",
    "settings": "configuration", "test": "testing", "quality": "testing", "monitoring": "observability",
    "ops": "infrastructure", "operations": "infrastructure", "devops": "infrastructure", "deployment": "infrastructure",
    "programming": "development", "software": "development", "engineering": "development", "tech": "technology",
    "economy": "business", "economics": "business", "money": "finance", "financial": "finance", "sport": "sports",
    "medicine": "health", "medical": "health", "payment": "billing", "payments": "billing", "refund": "return",
    "delivery": "shipping", "login": "account", "compliment": "praise", "people": "hr", "convention": "conventions",
    "style": "conventions", "standards": "conventions", "law": "legal", "agreement": "contract", "mail": "email",
    "compliance": "policy", "note": "notes", "movie": "entertainment", "culture": "entertainment",
}  # fmt: skip

FALLBACKS = (
    "other", "others", "unknown", "none", "misc", "miscellaneous", "general", "neutral", "unclassified", "uncategorized",
    "undefined", "n/a", "na", "unclear", "undecided", "mixed", "abstain", "normal", "medium", "default",
)  # fmt: skip
"""Labels that say "nothing in particular", the best first: what a text without any sign is given."""

DECISIONS = frozenset(
    "approve approved accept accepted reject rejected decline deny pass fail yes no true false go nogo no-go stop "
    "continue allow block safe unsafe valid invalid ship revise lgtm request_changes correct incorrect".split()
)
"""Labels that decide something. They are never given without a sign in the text."""


# In documents about software these say nothing about which kind it is.
_COMMON = frozenset("use run set work add".split())


@cache
def label_words(label: str) -> frozenset[str]:
    """Stems of words that speak for a label; empty for one that is not known.

    Example:
        >>> stem("crashes") in label_words("bug")
        True
    """
    known = label.strip().lower().replace(" ", "_")
    for name in (known, known.replace("_", "-"), known.rstrip("s"), *_pieces(known)):
        name = _SYNONYMS.get(name, name)
        if name in _LABELS:
            return frozenset(stem(word) for word in _LABELS[name].split() if word not in STOP_WORDS) - _COMMON
    return frozenset()


def _pieces(label: str) -> list[str]:
    pieces = [piece for piece in label.replace("-", "_").split("_") if piece]
    return pieces + [piece.rstrip("s") for piece in pieces] if len(pieces) > 1 else []


@cache
def _signs() -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(stem(word) for word in _POSITIVE.split()), frozenset(stem(word) for word in _NEGATIVE.split())


def polarity(spoken: list[str]) -> tuple[float, float]:
    """How much speaks well and how much ill of something, "not good" being ill.

    Args:
        spoken: The words of a text, in lower case and in order.

    Example:
        >>> polarity("the food was not good".split())
        (0.0, 1.0)
    """
    liked, disliked = _signs()
    good = bad = 0.0
    for at, word in enumerate(spoken):
        root = stem(word)
        if root not in liked and root not in disliked:
            continue
        before = spoken[max(0, at - 3) : at]
        weight = 1.5 if any(other in _STRONG for other in before[-1:]) else 1.0
        turned = any(other in _NEGATIONS for other in before)
        if root in disliked and turned:
            good += 0.5 * weight
        elif (root in liked) != turned:
            good += weight
        else:
            bad += weight
    return good, bad
