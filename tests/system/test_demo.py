#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demonstration as a test: every cut of the path gets the verdict that it deserves."""
import sys

from lab import demo

if __name__ == "__main__":
    sys.exit(demo.main([]))
