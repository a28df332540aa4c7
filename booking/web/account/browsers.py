"""A browser in words its owner recognises, read from its User-Agent: « Firefox, Linux ». Names alone, in no language."""

from __future__ import annotations

# In this order: each of them also names some of those that follow.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """« Firefox, Linux »; what cannot be told is left out, and nothing may be left."""
    found = (next((said for sign, said in names if sign in user_agent), "") for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(said for said in found if said)
