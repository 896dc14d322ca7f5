"""Password policy and lock-out: pure rules, and the options that set them."""

from __future__ import annotations

from collections.abc import Sequence

from mainstay.kernel.options import option

MIN_LENGTH = option(
    "password.min_length", "integer", 10, "Shortest password", section="Passwords", minimum=8, maximum=128
)
UPPER = option("password.require_upper", "boolean", False, "Needs an upper-case letter", section="Passwords")
LOWER = option("password.require_lower", "boolean", False, "Needs a lower-case letter", section="Passwords")
DIGIT = option("password.require_digit", "boolean", True, "Needs a digit", section="Passwords")
SYMBOL = option("password.require_symbol", "boolean", False, "Needs a symbol", section="Passwords")
MAX_AGE = option(
    "password.max_age_days",
    "integer",
    0,
    "Days until a new password is due (0: never)",
    section="Passwords",
    minimum=0,
    maximum=3650,
)
HISTORY = option(
    "password.history", "integer", 3, "Old passwords that may not return", section="Passwords", minimum=0, maximum=24
)
ATTEMPTS = option(
    "login.max_attempts",
    "integer",
    5,
    "Failed log-ins before an account is locked",
    section="Log-in",
    minimum=3,
    maximum=100,
)
LOCK_MINUTES = option(
    "login.lock_minutes", "integer", 15, "Minutes an account stays locked", section="Log-in", minimum=1, maximum=1440
)
IDLE_MINUTES = option(
    "login.idle_minutes",
    "integer",
    0,
    "Minutes of idleness after which the console locks (0: never)",
    section="Log-in",
    minimum=0,
    maximum=1440,
)

RULES = (MIN_LENGTH, UPPER, LOWER, DIGIT, SYMBOL, MAX_AGE)

_COMMON = frozenset(
    [
        "password",
        "password1",
        "password12",
        "password123",
        "1234567890",
        "12345678910",
        "qwertyuiop",
        "qwerty12345",
        "letmein1234",
        "welcome1234",
        "administrator",
        "iloveyou123",
        "changeme123",
        "admin12345",
        "mainstay123",
    ]
)


def problems(password: str, rules: Sequence[object], personal: Sequence[str]) -> list[str]:
    """What is wrong with a password, each as a sentence. ``rules``: the values of ``RULES`` in order;
    ``personal``: words it may not be (user name, e-mail, name)."""
    minimum, upper, lower, digit, symbol, _age = rules
    found = []
    if len(password) < int(str(minimum)):
        found.append(f"The password needs at least {minimum} characters.")
    if len(password) > 256:
        found.append("The password may have at most 256 characters.")
    if upper and not any(c.isupper() for c in password):
        found.append("The password needs an upper-case letter.")
    if lower and not any(c.islower() for c in password):
        found.append("The password needs a lower-case letter.")
    if digit and not any(c.isdigit() for c in password):
        found.append("The password needs a digit.")
    if symbol and all(c.isalnum() for c in password):
        found.append("The password needs a symbol.")
    low = password.lower()
    if low in _COMMON or len(set(password)) < 4:
        found.append("This password is too easy to guess.")
    if any(len(word) > 3 and word.lower() in low for word in personal):
        found.append("The password must not contain your name or e-mail address.")
    return found
