#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves the layers of core/ over its sources, and itself on planted violations.

    python3 tests/layering.py [ROOT]

A layer includes only itself and those before it in LAYERS; a process only itself and the layers; diagnosis only
the tables and its own types; a plugin only plugin.h, plugins/common and its own files; plugins/kit, which is for
authors and no plugin, the layers, too.  A file of a layer that one process alone uses lives in that process, except
in LIBRARIES.  A unit is X.c with X.h: no units include each other, not even in a circle.  X.h declares nothing that another file than X.c defines and defines no variable; a function
declares no function; a name is defined once.  Nothing in core/ knows a plugin's name.  "x.h" and <x.h> mean the same
file.  Each violation is a line FILE:LINE: WHAT; the exit status is 1 if there is one.
"""
import os
import re
import sys
import tempfile

LAYERS = ["tbl", "sys", "obs", "net", "ipc", "options", "loader", "conf", "users", "process", "plugin_host", "diagnosis"]
PROCESSES = ["proxy", "prober", "monitor", "jobs", "helper", "supervisor", "ctl"]

LIBRARIES = ("tbl", "net", "diagnosis")  # whole by design: the tables, the protocols, what is pure
PURE = {"assert", "errno", "limits", "math", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string"}
CONTRACT = {"stdbool", "stddef", "stdint"}

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*(?:include|include_next|import)\b[ \t]*([^\n]*?)[ \t]*$", re.M)
_TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.S)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M | re.S)
_MACRO_CALL = re.compile(r"\b(?:__attribute__|_Static_assert|__asm__|[A-Z][A-Z0-9_]{2,})\s*\(")
_KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "defined", "_Alignas", "_Generic"}
_NO_TYPE = "return|else|do|goto|case|sizeof|if|for|while|switch|typedef"
_LOCAL = re.compile(rf"[;{{}}]\s*((?!(?:{_NO_TYPE})\b)[A-Za-z_](?:\w|[ \t*])*?[ \t*])([A-Za-z_]\w*)\s*\([^;{{}}]*\)\s*(?=;)")
_POINTER = re.compile(r"\(\s*\*[\s*]*(?:const\b\s*)?([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*([()])")
_TEXTS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')


def blank(text):
    """The same length and lines, as spaces."""
    return re.sub(r"[^\n]", " ", text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def line_at(text, at):
    return text.count("\n", 0, at) + 1


# ---- what a file includes, declares and defines ---------------------------------------------------


def spliced(text):
    """Lines that end in a backslash joined, the line numbers behind them kept; digraphs as what they mean."""
    joined = re.sub(r"(?:[^\n]*\\\n)+[^\n]*", lambda m: m.group(0).replace("\\\n", "") + "\n" * m.group(0).count("\n"), text)
    return re.sub(r"(?m)^([ \t]*)%:", r"\1# ", joined)


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
    m = _POINTER.search(head)
    if m and m.group(2) == "(" and head[:m.start()].count("(") == 0 and not re.match(r"\s*typedef\b", head):
        return m.group(1)  # it returns a pointer to a function
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
        self.text = spliced(read(os.path.join(root, path)))
        self.includes = [(m.group(1), line_at(self.text, m.start(1))) for m in _INCLUDE.finditer(without_comments(self.text))]
        self.declared, self.defined, self.variables, self.local, self.shared = {}, set(), {}, {}, {}
        code = bare(self.text)
        for at, head, end in statements(code):
            name = function_name(head)
            line = line_at(code, at + len(head) - len(head.lstrip()))
            if name and end == "{":
                self.defined.add(name)
                self.functions_within(code, at + len(head))
                if not is_static(head):
                    self.shared[name] = line
            elif name and (path.endswith(".h") or not is_static(head)):
                self.declared[name] = line
            elif not name:
                self.variable(head, line)

    def functions_within(self, code, at):
        """The functions that the body which begins here declares."""
        for m in _LOCAL.finditer(code, at, closing(code, at, "{}")):
            if "=" not in m.group(1):
                self.local[m.group(2)] = line_at(code, m.start(1))

    def variable(self, head, line):
        m = _POINTER.search(head)
        if not m or head[:m.start()].count("(") or m.group(2) != ")":
            m = re.search(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*(?:=|$)", head)
        if not m or re.match(r"\s*(typedef|static|_Static_assert)\b", head) or "(" in re.sub(r"__typeof__\s*\([^)]*\)", "", head[:m.start()]):
            return
        if re.match(r"\s*extern\b", head):
            self.declared[m.group(1)] = line
        elif len(re.findall(r"\w+", head[:m.end(1)])) > 1 and not re.match(r"\s*(struct|union|enum)\s+\w+\s*$", head):
            self.defined.add(m.group(1))
            self.variables[m.group(1)] = self.shared[m.group(1)] = line


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


def system_fault(path, name):
    """Why this file may not include that header of the system; None: it may."""
    allowed = PURE if layer(path) == ("core", "diagnosis") else CONTRACT if path == "core/plugin.h" else None
    if allowed is None or name.removesuffix(".h") in allowed:
        return None
    return f"{'plugin.h' if allowed is CONTRACT else 'diagnosis'} needs no more than {', '.join(sorted(allowed))} of the system"


def arrow_fault(path, target):
    """Why this file may not include that one; None: it may."""
    top, here = layer(path)
    to_top, there = layer(target)
    if top == "plugins":
        if target == "core/plugin.h" or to_top == "plugins" and there in (here, "common") or here == "kit" and there in LAYERS:
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


def include_fault(files, path, operand):
    """Why this file may not say #include OPERAND; None: it may."""
    quoted = re.fullmatch(r'"([^"]+)"|<([^>]+)>', operand)
    if not quoted:
        return "name the file: a macro hides it"
    name = quoted.group(1) or quoted.group(2)
    if not name.endswith(".h"):
        return "only a header is included"
    target = resolve(files, path, name)
    if target:
        return arrow_fault(path, target)
    if path.startswith("plugins/") and name == "t3ops/plugin.h":
        return None
    return "there is no such file" if quoted.group(1) else system_fault(path, name)


def check_arrows(files):
    for path, f in files.items():
        for operand, line in f.includes:
            fault = include_fault(files, path, operand)
            if fault:
                yield path, line, f"includes {operand}: {fault}"


def included(files, path):
    """(file of the tree, line) of everything that this file includes."""
    for operand, line in files[path].includes:
        target = resolve(files, path, operand.strip('"<>'))
        if target:
            yield target, line


def graph_of(files):
    """{unit: {unit it includes: (file, line)}}"""
    graph = {f.unit: {} for f in files.values()}
    for path, f in files.items():
        for target, line in included(files, path):
            if files[target].unit != f.unit:
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


def users_of(files, unit):
    """Outside its own layer: the directories, and "" for main.c, that use a unit, if only by another file of its layer."""
    reverse = {}
    for user, used in graph_of(files).items():
        for other in used:
            reverse.setdefault(other, set()).add(user)
    home, users, seen, queue = layer(unit), set(), {unit}, [unit]
    while queue:
        for user in reverse.get(queue.pop(), ()):
            if layer(user) != home:
                users.add(layer(user)[1])
            elif user not in seen:
                seen.add(user)
                queue.append(user)
    return users


def check_homes(files):
    for unit in sorted({f.unit for f in files.values()}):
        top, here = layer(unit)
        users = users_of(files, unit) if top == "core" and here in LAYERS and here not in LIBRARIES else ()
        if len(users) == 1 and set(users) <= set(PROCESSES):
            yield next(p for p in files if files[p].unit == unit), 1, f"only {users.pop()} uses it: it belongs there"


def one_program(path, other):
    """Whether two files may be linked together: all of core/, a plugin with plugins/common."""
    (top, here), (other_top, there) = layer(path), layer(other)
    return top == other_top and (top == "core" or here == there or "common" in (here, there))


def check_definitions(files):
    """A name that is not static is defined once in a program and never in a header; a function declares none."""
    definers = {}
    for path, f in files.items():
        for name, line in f.shared.items():
            others = [o for o in definers.setdefault(name, []) if one_program(path, o) and name != "main"]
            if others:
                yield path, line, f"defines {name}, which {others[0]} defines too"
            definers[name].append(path)
        for name, line in f.variables.items() if path.endswith(".h") else ():
            yield path, line, f"a header defines the variable {name}"
        for name, line in f.local.items():
            yield path, line, f"a function declares {name}"


def check_use(files):
    """Tests do not count: what they alone call is dead."""
    words = {}
    for f in files.values():
        for word in re.findall(r"[A-Za-z_]\w*", _TOKENS.sub(lambda m: blank(m.group(0)), f.text)):
            words[word] = words.get(word, 0) + 1
    for path, f in files.items():
        for name, line in f.declared.items() if path.endswith(".h") else ():
            if words[name] == 2 and f.unit + ".c" in files and name in files[f.unit + ".c"].defined:
                yield path, line, f"declares {name}, which nobody uses"


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


WORDS_OF_THE_CORE = ("watchdog", "upgrade")  # the supervisor has both, too; legs have the one, HTTP the other


def check_names(root, files):
    """A name of two words anywhere, comments and longer names included; one that is a common word in a text."""
    for name in plugin_names(root):
        if name in WORDS_OF_THE_CORE:
            continue
        pattern = re.compile(rf"(?<![A-Za-z0-9]){name}(?![A-Za-z0-9])")
        for path, f in files.items():
            if path.startswith("core/"):
                for line in sorted(set(lines_with(pattern, f.text, "_" in name))):
                    yield path, line, f"knows the plugin {name}"


def lines_with(pattern, text, anywhere):
    if anywhere:
        yield from (line_at(text, m.start()) for m in pattern.finditer(text))
    for m in _TEXTS.finditer(without_comments(text)):
        if pattern.search(re.sub(r'"\s*"', "", m.group(0))):
            yield line_at(text, m.start())


def check(root):
    files = files_of(root)
    rules = [check_arrows(files), check_circles(files), check_homes(files), check_declarations(files), check_definitions(files),
             check_use(files), check_names(root, files)]
    return sorted(found for rule in rules for found in rule)


# ---- the proof -----------------------------------------------------------------------------------

CLEAN = {
    "core/plugin.h": "#include <stddef.h>\nstruct t3ops_ctx;\n",
    "core/main.c": '#include "proxy/proxy.h"\n#include "jobs/jobs.h"\n#include "diagnosis/verdict.h"\nint main(void)\n{\n'
                   "\treturn proxy_run(1) + jobs_run() + verdict() + stream_state() + (int)sizeof buf_empty;\n}\n",
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
    "core/jobs/jobs.c": '#include "jobs/jobs.h"\n#include "sys/buf.h"\n#include <ev.h>\nint jobs_run(void)\n{\n\tstruct buf b = {0}, *p = &b;\n'
                        "\tif (buf_len())\n\t\tbuf_abort(NULL, p);\n\telse\n\t\tbuf_add(p, 0);\n\treturn buf_len();\n}\n",
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
    ("a core's header as one of the system's", "core/jobs/jobs.c", "#include <proxy/proxy.h>\n", "proxy is a process", "core/jobs/jobs.c"),
    ("a plugin includes the core as system", "plugins/backup/backup.c", "#include <sys/buf.h>\n", "a plugin includes only", "plugins/backup/backup.c"),
    ("an include by a macro", "core/sys/buf.c", "#include HEADER\n", "a macro hides it", "core/sys/buf.c"),
    ("an include of a source", "core/jobs/jobs.c", '#include "sys/buf.c"\n', "only a header is included", "core/jobs/jobs.c"),
    ("an include in two lines", "core/sys/buf.c", '#inc\\\nlude "net/stream.h"\n', "sys is below net", "core/sys/buf.c"),
    ("an include by a digraph", "core/sys/buf.c", '%:include "net/stream.h"\n', "sys is below net", "core/sys/buf.c"),
    ("an import", "core/sys/buf.c", '#import "net/stream.h"\n', "sys is below net", "core/sys/buf.c"),
    ("diagnosis includes a library", "core/diagnosis/verdict.c", "#include <ev.h>\n", "diagnosis needs no more", "core/diagnosis/verdict.c"),
    ("plugin.h includes a library", "core/plugin.h", "#include <ev.h>\n", "plugin.h needs no more", "core/plugin.h"),
    ("a function declares another's", "core/jobs/jobs.c", "int f2(void) { int proxy_run(int n); return 1; }\n", "a function declares proxy_run", "core/jobs/jobs.c"),
    ("a function declares an extern", "core/jobs/jobs.c", "int f2(void) { extern char *proxy_run(int n); return 1; }\n", "a function declares proxy_run", "core/jobs/jobs.c"),
    ("a header declares a pointer to a function", "core/jobs/jobs.h", "extern int (*hook)(int);\n", "declares hook, which nobody", "core/jobs/jobs.h"),
    ("a header declares what returns one", "core/jobs/jobs.h", "int (*hook_get(void))(int);\n", "declares hook_get, which nobody", "core/jobs/jobs.h"),
    ("a header declares by a type", "core/jobs/jobs.h", "__typeof__(proxy_run) proxy_run;\n", "defines the variable proxy_run", "core/jobs/jobs.h"),
    ("a header defines a variable", "core/jobs/jobs.h", "int counter;\n", "defines the variable counter", "core/jobs/jobs.h"),
    ("a header declares a static", "core/jobs/jobs.h", "static int proxy_run(int n);\n", "declares proxy_run", "core/jobs/jobs.h"),
    ("a name is defined twice", "core/sys/buf.c", "int jobs_run(void)\n{\n\treturn 0;\n}\n", "defines jobs_run, which core/jobs/jobs.c", "core/sys/buf.c"),
    ("a variable is defined twice", "core/sys/buf.c", "int (*jobs_run)(int);\n", "defines jobs_run, which core/jobs/jobs.c", "core/sys/buf.c"),
    ("core names a plugin in a longer name", "core/jobs/jobs.c", "static int auto_pair_find;\n", "knows the plugin auto_pair", "core/jobs/jobs.c"),
    ("core names a plugin in two texts", "core/jobs/jobs.c", 'static const char *n = "auto" "_pair";\n', "knows the plugin auto_pair", "core/jobs/jobs.c"),
    ("core names a plugin of one word in a text", "core/jobs/jobs.c", 'static const char *n = "backup.so";\n', "knows the plugin backup", "core/jobs/jobs.c"),
    ("core names a plugin of one word", "core/jobs/jobs.c", 'static const char *n = "backup";\n', "knows the plugin backup", "core/jobs/jobs.c"),
)

CIRCLE = {"core/net/a.h": '#include "net/b.h"\n', "core/net/b.h": '#include "net/c.h"\n', "core/net/c.c": '#include "net/a.h"\n',
          "core/net/c.h": "\n"}


ONE_USER = {"core/sys/only.h": "int only(void);\n", "core/sys/only.c": '#include "sys/only.h"\nint only(void)\n{\n\treturn 1;\n}\n',
            "core/proxy/proxy.c": CLEAN["core/proxy/proxy.c"] + '#include "sys/only.h"\nstatic int (*f)(void) = only;\n'}


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
    found = found_in({**CLEAN, **ONE_USER})
    assert found == [("core/sys/only.c", 1, "only proxy uses it: it belongs there")], f"one user: {found}"
    found = found_in({**CLEAN, **ONE_USER, "core/jobs/jobs.c": CLEAN["core/jobs/jobs.c"] + '#include "sys/only.h"\nstatic int (*f)(void) = only;\n'})
    assert not found, f"two users: {found}"
    found = found_in({**CLEAN, "core/sys/buf.h": CLEAN["core/sys/buf.h"] + "int buf_more(void);\n",
                      "core/sys/buf.c": CLEAN["core/sys/buf.c"] + "int buf_more(void)\n{\n\treturn 0;\n}\n"})
    assert [f[2] for f in found] == ["declares buf_more, which nobody uses"], f"no user: {found}"


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
