#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves the layers of core/ over its sources, and itself on planted violations.

    python3 tests/layering.py [ROOT]

A layer includes only itself and those before it in LAYERS; a process only itself and the layers; diagnosis only
the tables and its own types; a plugin only plugin.h, plugins/common and its own files.  A unit is X.c with X.h: no
units include each other, not even in a circle.  X.h declares nothing that another file than X.c defines.  Nothing in
core/ knows a plugin's name.  Each violation is a line FILE:LINE: WHAT; the exit status is 1 if there is one.
"""
import os
import re
import sys
import tempfile

LAYERS = ["tbl", "sys", "obs", "net", "ipc", "options", "loader", "conf", "users", "process", "plugin_host", "diagnosis"]
PROCESSES = ["proxy", "prober", "monitor", "jobs", "helper", "supervisor", "ctl"]

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)
_TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.S)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M | re.S)
_MACRO_CALL = re.compile(r"\b(?:__attribute__|_Static_assert|__asm__|[A-Z][A-Z0-9_]{2,})\s*\(")
_KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "defined", "_Alignas", "_Generic"}


def blank(text):
    """The same length and lines, as spaces."""
    return re.sub(r"[^\n]", " ", text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def line_at(text, at):
    return text.count("\n", 0, at) + 1


# ---- what a file includes, declares and defines ---------------------------------------------------


def without_comments(text):
    return _TOKENS.sub(lambda m: blank(m.group(0)) if m.group(0)[0] == "/" else m.group(0), text)


def bare(text):
    """Code alone: no comments, texts, directives, attributes or calls of macros."""
    text = _TOKENS.sub(lambda m: blank(m.group(0)), text)
    text = _DIRECTIVE.sub(lambda m: blank(m.group(0)), text)
    text = re.sub(r'extern\s+(?=\{)', lambda m: blank(m.group(0)), text)
    for m in _MACRO_CALL.finditer(text):
        end = closing(text, m.end() - 1, "()")
        text = text[:m.start()] + blank(text[m.start():end]) + text[end:]
    return text


def closing(text, at, pair):
    """Behind the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == pair[0]) - (text[i] == pair[1])
        if depth == 0:
            return i + 1
    return len(text)


def statements(text):
    """(offset, text before its end, the end: ";" or "{") of everything outside braces."""
    start = at = parens = 0
    while at < len(text):
        c = text[at]
        parens += (c == "(") - (c == ")")
        if c == ";" and parens == 0:
            yield start, text[start:at], ";"
            start = at + 1
        elif c == "{" and parens == 0:
            head = text[start:at]
            end = closing(text, at, "{}")
            if function_name(head) and "=" not in head:
                yield start, head, "{"
                start = end
            elif not re.search(r"\b(struct|union|enum)\b[^=()]*$", head) and "=" not in head:
                start = end
            else:  # a type or an initializer: what follows the braces belongs to it
                text = text[:at] + blank(text[at:end]) + text[end:]
            at = end - 1
        at += 1


def function_name(head):
    """The function that a declaration or the head of a definition is about; None: it is about none."""
    m = re.search(r"\b([A-Za-z_]\w*)\s*\(\s*(?!\*)", head)
    if not m or m.group(1) in _KEYWORDS or re.match(r"\s*typedef\b", head) or "=" in head[:m.start()]:
        return None
    before = head[:m.start()]
    return m.group(1) if re.search(r"\w[\s*]*$", before) else None


def is_static(head):
    return re.search(r"\b(static|inline)\b", head) is not None


class File:
    def __init__(self, root, path):
        self.path = path
        self.unit = os.path.splitext(path)[0]
        self.text = read(os.path.join(root, path))
        self.includes = [(m.group(1), line_at(self.text, m.start(1))) for m in _INCLUDE.finditer(without_comments(self.text))]
        self.declared, self.defined = {}, set()
        code = bare(self.text)
        for at, head, end in statements(code):
            name = function_name(head)
            line = line_at(code, at + len(head) - len(head.lstrip()))
            if name and end == "{":
                self.defined.add(name)
            elif name and not is_static(head):
                self.declared[name] = line
            elif not name:
                self.variable(head, line)

    def variable(self, head, line):
        m = re.search(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*(?:=|$)", head)
        if not m or re.match(r"\s*(typedef|static)\b", head) or "(" in head[:m.start()]:
            return
        if re.match(r"\s*extern\b", head):
            self.declared[m.group(1)] = line
        elif len(re.findall(r"\w+", head[:m.end(1)])) > 1:
            self.defined.add(m.group(1))


# ---- the rules -----------------------------------------------------------------------------------


def files_of(root):
    found = []
    for top in ("core", "plugins"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            found += [os.path.relpath(os.path.join(folder, n), root) for n in names if n.endswith((".c", ".h"))]
    return {path: File(root, path) for path in sorted(found)}


def resolve(files, path, name):
    """The file of the tree that an include means; None: it is not of the tree."""
    for folder in (os.path.dirname(path), "core", "plugins", "."):
        candidate = os.path.normpath(os.path.join(folder, name))
        if candidate in files:
            return candidate
    return None


def layer(path):
    """(top, directory): ("core", "net"), ("plugins", "backup"), ("core", "") for main.c and plugin.h."""
    parts = path.split("/")
    return parts[0], parts[1] if len(parts) > 2 else ""


def arrow_fault(path, target):
    """Why this file may not include that one; None: it may."""
    top, here = layer(path)
    to_top, there = layer(target)
    if top == "plugins":
        if target == "core/plugin.h" or to_top == "plugins" and there in (here, "common"):
            return None
        return "a plugin includes only plugin.h, plugins/common and its own files"
    if to_top == "plugins":
        return "core includes no plugin"
    if path == "core/main.c" or target == "core/plugin.h":
        return None
    if path == "core/plugin.h":
        return "plugin.h includes nothing of t3ops"
    if here not in LAYERS + PROCESSES:
        return f"{here or path} is not a layer"
    if here == there:
        return None
    if there in PROCESSES:
        return f"{there} is a process, which nobody else includes"
    if there not in LAYERS:
        return f"{there or target} is not a layer"
    if here == "diagnosis" and there != "tbl":
        return f"diagnosis is pure: it includes only tbl and its own types, not {there}"
    if here in LAYERS and LAYERS.index(there) > LAYERS.index(here):
        return f"{here} is below {there}: the order is {' '.join(LAYERS)}"
    return None


def check_arrows(files):
    for path, f in files.items():
        for name, line in f.includes:
            target = resolve(files, path, name)
            fault = arrow_fault(path, target) if target else "there is no such file"
            if not target and path.startswith("plugins/") and name == "t3ops/plugin.h":
                fault = None
            if fault:
                yield path, line, f'includes "{name}": {fault}'


def graph_of(files):
    """{unit: {unit it includes: (file, line)}}"""
    graph = {f.unit: {} for f in files.values()}
    for path, f in files.items():
        for name, line in f.includes:
            target = resolve(files, path, name)
            if target and files[target].unit != f.unit:
                graph[f.unit].setdefault(files[target].unit, (path, line))
    return graph


def path_between(graph, start, goal):
    """The units of a shortest path, both ends included; None: there is none."""
    came, queue = {start: None}, [start]
    while queue:
        unit = queue.pop(0)
        if unit == goal:
            found = []
            while unit is not None:
                found.append(unit)
                unit = came[unit]
            return found[::-1]
        for other in sorted(graph[unit]):
            if other not in came:
                came[other] = unit
                queue.append(other)
    return None


def check_circles(files):
    graph = graph_of(files)
    seen = set()
    for unit in sorted(graph):
        for other in sorted(graph[unit]):
            back = path_between(graph, other, unit)
            if not back or frozenset(back) in seen:
                continue
            seen.add(frozenset(back))
            file, line = graph[unit][other]
            way = ", ".join(f"{graph[a][b][0]}:{graph[a][b][1]}" for a, b in zip(back, back[1:]))
            yield file, line, f"a circle: {' -> '.join([unit] + back)} (the way back: {way})"


def check_declarations(files):
    where = {}
    for path, f in files.items():
        for name in f.defined:
            where.setdefault(name, path)
    for path, f in files.items():
        owners = [path] if path.endswith(".c") else [path, f.unit + ".c"]
        for name, line in f.declared.items():
            if any(o in files and name in files[o].defined for o in owners):
                continue
            if name in where:
                yield path, line, f"declares {name}, which {where[name]} defines"
            elif path.endswith(".h"):
                yield path, line, f"declares {name}, which nobody defines"


def plugin_names(root):
    folder = os.path.join(root, "plugins")
    return sorted(n for n in os.listdir(folder) if os.path.isfile(os.path.join(folder, n, n + ".c")))


def check_names(root, files):
    """A name of two words anywhere, comments included; one that is a common word as a text of its own."""
    for name in plugin_names(root):
        pattern = re.compile(rf"\b{name}\b" if "_" in name else rf'"{name}"')
        for path, f in files.items():
            if path.startswith("core/"):
                for m in pattern.finditer(f.text):
                    yield path, line_at(f.text, m.start()), f"knows the plugin {name}"


def check(root):
    files = files_of(root)
    rules = [check_arrows(files), check_circles(files), check_declarations(files), check_names(root, files)]
    return sorted(found for rule in rules for found in rule)


# ---- the proof -----------------------------------------------------------------------------------

CLEAN = {
    "core/plugin.h": "#include <stddef.h>\nstruct t3ops_ctx;\n",
    "core/main.c": '#include "proxy/proxy.h"\nint main(void)\n{\n\treturn proxy_run(1);\n}\n',
    "core/tbl/reason.h": 'REASON(1, "closed")\n',
    "core/sys/buf.h": "#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))\nstruct buf {\n\tint (*free)(void *p);\n};\n"
                      "/* int elsewhere(void); */\nint buf_add(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);\n"
                      "static inline int buf_len(void)\n{\n\treturn 0;\n}\n_Noreturn void buf_abort(int (*cb)(void *arg), void *arg);\n"
                      "extern const struct buf buf_empty;\n",
    "core/sys/buf.c": '#include "sys/buf.h"\nconst struct buf buf_empty = {.free = NULL};\n'
                      "static const int sizes[] = {1, 2};\nint buf_add(struct buf *b, const char *fmt, ...)\n{\n\treturn sizes[0];\n}\n"
                      "_Noreturn void buf_abort(int (*cb)(void *arg), void *arg)\n{\n\tfor (;;)\n\t\tcb(arg);\n}\n",
    "core/net/stream.h": '#include "plugin.h"\n#include "sys/buf.h"\nenum stream { STREAM_OPEN };\nenum stream stream_state(void);\n',
    "core/net/stream.c": '#include "net/stream.h"\nenum stream stream_state(void)\n{\n\treturn STREAM_OPEN;\n}\n',
    "core/diagnosis/verdict.c": '#include "tbl/reason.h"\n#include "diagnosis/verdict.h"\nint verdict(void)\n{\n\treturn 0;\n}\n',
    "core/diagnosis/verdict.h": "int verdict(void);\n",
    "core/proxy/proxy.h": '#include "net/stream.h"\nint proxy_run(int n);\n',
    "core/proxy/proxy.c": '#include "proxy/proxy.h"\nint proxy_run(int n)\n{\n\treturn n; /* a backup of nothing */\n}\n',
    "core/jobs/jobs.h": "int jobs_run(void);\n",
    "core/jobs/jobs.c": '#include "jobs/jobs.h"\nint jobs_run(void)\n{\n\treturn 0;\n}\n',
    "plugins/common/cookies.h": "#include <t3ops/plugin.h>\n",
    "plugins/auto_pair/auto_pair.c": '#include "plugin.h"\n#include "pairing.h"\n#include "common/cookies.h"\n',
    "plugins/auto_pair/pairing.h": "struct pairing;\n",
    "plugins/backup/backup.c": '#include "plugin.h"\n',
}

PLANTED = (  # what, file, lines added at its end, what is said, of which file
    ("a layer includes a higher one", "core/sys/buf.c", '#include "net/stream.h"\n', "sys is below net", "core/sys/buf.c"),
    ("diagnosis includes a layer", "core/diagnosis/verdict.c", '#include "sys/buf.h"\n', "diagnosis is pure", "core/diagnosis/verdict.c"),
    ("a process includes another", "core/proxy/proxy.c", '#include "jobs/jobs.h"\n', "jobs is a process", "core/proxy/proxy.c"),
    ("a layer includes a process", "core/net/stream.c", '#include "jobs/jobs.h"\n', "jobs is a process", "core/net/stream.c"),
    ("a plugin includes the core", "plugins/backup/backup.c", '#include "sys/buf.h"\n', "a plugin includes only", "plugins/backup/backup.c"),
    ("a plugin includes another", "plugins/backup/backup.c", '#include "auto_pair/pairing.h"\n', "a plugin includes only", "plugins/backup/backup.c"),
    ("core includes a plugin", "core/jobs/jobs.c", '#include "common/cookies.h"\n', "core includes no plugin", "core/jobs/jobs.c"),
    ("plugin.h includes the core", "core/plugin.h", '#include "sys/buf.h"\n', "plugin.h includes nothing", "core/plugin.h"),
    ("an include of nothing", "core/jobs/jobs.c", '#include "jobs/none.h"\n', "there is no such file", "core/jobs/jobs.c"),
    ("a directory of no layer", "core/base/base.c", '#include "sys/buf.h"\n', "base is not a layer", "core/base/base.c"),
    ("a header declares another's function", "core/jobs/jobs.h", "int buf_add(int n);\n", "declares buf_add, which core/sys/buf.c defines", "core/jobs/jobs.h"),
    ("a header declares another's variable", "core/jobs/jobs.h", "extern const struct buf buf_empty;\n", "declares buf_empty, which core/sys/buf.c", "core/jobs/jobs.h"),
    ("a header declares nobody's function", "core/jobs/jobs.h", "struct job *jobs_none(void (*cb)(int), void *arg);\n", "which nobody defines", "core/jobs/jobs.h"),
    ("a source declares another's function", "core/jobs/jobs.c", "int proxy_run(int n);\n", "declares proxy_run, which core/proxy/proxy.c", "core/jobs/jobs.c"),
    ("core names a plugin", "core/jobs/jobs.c", "/* as auto_pair does */\n", "knows the plugin auto_pair", "core/jobs/jobs.c"),
    ("core names a plugin of one word", "core/jobs/jobs.c", 'static const char *n = "backup";\n', "knows the plugin backup", "core/jobs/jobs.c"),
)

CIRCLE = {"core/net/a.h": '#include "net/b.h"\n', "core/net/b.h": '#include "net/c.h"\n', "core/net/c.c": '#include "net/a.h"\n',
          "core/net/c.h": "\n"}


def plant(root, tree):
    for path, text in tree.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            f.write(text)


def found_in(tree):
    with tempfile.TemporaryDirectory(prefix="t3layers.") as root:
        plant(root, tree)
        return check(root)


def prove():
    found = found_in(CLEAN)
    assert not found, f"a clean tree: {found}"
    for what, path, lines, said, blamed in PLANTED:
        found = found_in({**CLEAN, path: CLEAN.get(path, "") + lines})
        line = CLEAN.get(path, "").count("\n") + 1
        assert [f for f in found if f[0] == blamed and f[1] == line and said in f[2]], f"{what}: {found}"
    found = found_in({**CLEAN, **CIRCLE})
    assert len(found) == 1 and found[0][0] == "core/net/a.h" and "core/net/c.c:1" in found[0][2], f"a circle: {found}"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    prove()
    found = check(root)
    for path, line, what in found:
        print(f"{path}:{line}: {what}")
    print(f"layering: {len(found)} violations" if found else "layering: every arrow points one way")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
