"""Counting words."""
import re
from collections import Counter

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def count(text: str, most: int = 10) -> list[tuple[str, int]]:
    """The most frequent words, without regard to case, the more frequent first."""
    counter = Counter(word.lower() for word in WORD.findall(text))
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:most]
