# SPDX-License-Identifier: MIT
"""The lab: one machine plays the whole path between a browser and its t3 server.

Standard library only.  Every process a test starts through here is ended when the test ends,
however it ends; every port is the kernel's choice; every folder is a temporary one.
"""
