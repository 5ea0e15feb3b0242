#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The regression suite of the diagnosis: what was recorded of the lab's incidents (make recordings), replayed, gives
the verdicts that t3ops gave then, word for word.  What differs is a fault, or a change of the diagnosis that is meant:
--accept writes down what replays say now."""
import glob
import os
import re
import sys
import unittest

from lab import process, recording

FOLDER = os.path.join(process.source_dir(), "tests/recordings")


def recordings():
    return sorted(glob.glob(f"{FOLDER}/*.txt"))


def text_of(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def replayed(text):
    """What a replay of that text says; "" if it cannot be read."""
    return recording.replay_run(recording.write(text)).stdout


def altered(text):
    """Texts with one fact less each: what a user's tunnel or a leg reported."""
    for m in re.finditer(r"^fact \S+ event kind=(?:leg|tunnel)_(?!census).*\n", text, re.M):
        yield text[:m.start()] + text[m.end():]


class Recordings(unittest.TestCase):
    def test_there_are_enough(self):
        self.assertGreaterEqual(len(recordings()), 20)

    def test_word_for_word(self):
        for path in recordings():
            with self.subTest(recording=os.path.basename(path)):
                want = text_of(path.removesuffix(".txt") + ".verdicts").splitlines()
                self.assertGreater(len(want), 0)
                self.assertEqual(recording.compact(recording.replay(path)), want)

    def test_they_hold_no_verdict(self):
        for path in recordings():
            with self.subTest(recording=os.path.basename(path)):
                self.assertNotRegex(text_of(path), r"(?m)^verdict |kind=verdict| infra |exonerated at")

    def test_a_fact_less_is_another_verdict(self):
        """There is at least one on which the verdict hangs alone."""
        for path in recordings():
            with self.subTest(recording=os.path.basename(path)):
                text = text_of(path)
                before = replayed(text)
                self.assertTrue(any(replayed(other) != before for other in altered(text)))


def accept():
    """What replays say now is what is wanted from here on."""
    for path in recordings():
        with open(path.removesuffix(".txt") + ".verdicts", "w", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in recording.compact(recording.replay(path))))


if __name__ == "__main__":
    if sys.argv[1:] == ["--accept"]:
        accept()
    else:
        unittest.main()
