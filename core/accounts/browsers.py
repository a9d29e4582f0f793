"""What a person recognizes a browser by: “Chrome, Windows” instead of the words that it sends about itself."""

from __future__ import annotations

import re

# The first that fits: most browsers also name those that they want to be taken for.
_BROWSERS = (
    (r"Edg(?:e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"Whale/", "Whale"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"KAKAOTALK", "KakaoTalk"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrom(?:e|ium)/|CriOS/|HeadlessChrome/", "Chrome"),
    (r"Version/[\d.]+ (?:Mobile/\S+ )?Safari/", "Safari"),
)
_SYSTEMS = (
    (r"Windows", "Windows"),
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"CrOS", "ChromeOS"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"Linux|X11", "Linux"),
)
_LONGEST_UNKNOWN = 40


def describe_browser(user_agent: str) -> str:
    """Return the browser and the system that a User-Agent header names; its beginning where it names neither."""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), "")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, user_agent)), "")
    found = ", ".join(name for name in (browser, system) if name)
    plain = "".join(letter for letter in " ".join(user_agent.split()) if letter.isprintable())
    return found or plain[:_LONGEST_UNKNOWN]
