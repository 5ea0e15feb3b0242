# SPDX-License-Identifier: MIT
"""The pages of docs/ as their readers find them: where their relative links lead."""
import glob
import os
import re

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```", re.M | re.S)


def _text(path):
    with open(path, encoding="utf-8") as f:
        return _CODE.sub("", f.read())


def _anchors(path):
    """Those that a page's headings have where such pages are shown."""
    headings = re.findall(r"^#+ +(.*?) *$", _text(path), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def of(page):
    """Those of a page that lead elsewhere below where it is, or above."""
    return [link for link in _LINK.findall(_text(page)) if not re.match(r"[a-z]+:", link)]


def leads(page, link):
    """Whether there is something, the heading included."""
    name, _, anchor = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(page), name)) if name else page
    return os.path.exists(target) and (not anchor or anchor in _anchors(target))


def broken(pages):
    """Those that lead nowhere, as "PAGE: LINK"."""
    return [f"{page}: {link}" for page in pages for link in of(page) if not leads(page, link)]


def pages_in(folder):
    return sorted(glob.glob(f"{folder}/**/*.md", recursive=True))
