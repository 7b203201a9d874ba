"""Cells that try to get out: each ends with the word ESCAPED, or shows a secret, if it does.

``SECRET`` stands for the path of a file that holds a secret, ``PORT`` for a port of this machine
that listens, ``MARK`` for a file that must not come to be. The same secret is in the environment
and in the memory of the process that runs the cells.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One cell. ``bare``: it gets out where there is no wall, which shows that it tries."""

    name: str
    code: str
    bare: bool = False


def _call(name: str, number: int, *arguments: str) -> Attempt:
    """A system call by its number on x86-64; whatever but -1 it gives has come through."""
    given = "".join(f", {one}" for one in arguments)
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"'ESCAPED' if libc.syscall({number}{given}) != -1 else 'refused'"
    )
    return Attempt(name, code)


def _tries(name: str, expression: str, first: str = "", *, bare: bool = True) -> Attempt:
    return Attempt(name, f"{first}\n{expression}\n'ESCAPED'", bare)


def _forged(kind: str, **fields: object) -> str:
    """A line of a cell that writes a message of ours by hand."""
    return f"os.write(1, {json.dumps({'op': kind, **fields}).encode()!r} + b'\\n')\n"


ATTEMPTS = (
    # files
    Attempt("read a password file", "print(open('/etc/passwd').read()); 'ESCAPED'", bare=True),
    Attempt("read an answer by its path", "print(open('SECRET').read())", bare=True),
    Attempt("read it with numpy", "print(bytes(np.fromfile('SECRET', dtype='u1')))", bare=True),
    Attempt(
        "read it by a descriptor",
        "import os\nprint(os.read(os.open('SECRET', os.O_RDONLY), 99))",
        bare=True,
    ),
    Attempt("map it", "print(bytes(np.memmap('SECRET', dtype='u1', mode='r')))", bare=True),
    _tries("list homes", "os.listdir('/root') or os.listdir('/home')", "import os"),
    _tries("ask whether it is there", "os.stat('SECRET')", "import os"),
    _tries("write a file", "open('MARK', 'w').write('x')"),
    _tries("write into memory's folder", "open('/dev/shm/mark', 'w')", bare=False),
    _tries("save an array", "np.save('MARK', np.zeros(3))"),
    _tries("make a folder", "os.mkdir('/tmp/mark')", "import os", bare=False),
    _tries("make a link", "os.symlink('SECRET', '/tmp/link')", "import os", bare=False),
    _tries("write into the kernel's program", "open('/kernel.py', 'a')", bare=False),
    _tries("write into numpy", "open(np.__file__, 'r+')"),
    _tries("take numpy away", "os.rename(np.__file__, '/tmp/np')", "import os", bare=False),
    Attempt(
        "find packages that were not given",
        "import importlib.util as u\n"
        "'ESCAPED' if any(map(u.find_spec, ('surveyor', 'pydantic', 'pip'))) else ''",
        bare=True,
    ),
    # network
    _tries(
        "connect to a port here", "s.create_connection(('127.0.0.1', PORT))", "import socket as s"
    ),
    _tries("make a datagram socket", "s.socket(s.AF_INET, s.SOCK_DGRAM)", "import socket as s"),
    _tries("make a local socket", "s.socket(s.AF_UNIX)", "import socket as s"),
    _tries("make a netlink socket", "s.socket(s.AF_NETLINK, s.SOCK_RAW)", "import socket as s"),
    _tries("make a pair of sockets", "s.socketpair()", "import socket as s"),
    _tries(
        "fetch a page", "urllib.request.urlopen('http://127.0.0.1:PORT')", "import urllib.request",
        bare=False,
    ),
    # processes
    _tries("fork", "os.fork() or os._exit(0)", "import os"),
    _tries("start a shell", "subprocess.run(['/bin/sh', '-c', 'true'])", "import subprocess"),
    _tries("start Python", "subprocess.run([sys.executable, '-V'])", "import subprocess, sys"),
    _tries("spawn", "os.posix_spawn('/bin/true', ['true'], {})", "import os", bare=False),
    _tries("start a thread", "threading.Thread(target=int).start()", "import threading"),
    _tries(
        "start a pool", "multiprocessing.Pool(2).map(abs, [1])", "import multiprocessing",
        bare=False,
    ),
    Attempt(
        "a fork bomb",
        "import ctypes\nlibc = ctypes.CDLL(None)\n"
        "made = [libc.syscall(n, 17, 0, 0, 0, 0) for n in (56, 57, 58) for _ in range(50)]\n"
        "made += [libc.syscall(435, (ctypes.c_uint64 * 8)(), 64) for _ in range(50)]\n"
        "'ESCAPED' if any(one != -1 for one in made) else ''",
    ),
    Attempt(
        "become a program that reads it",
        "import os\n"
        "os.execv('/py/bin/python3.11', ['python', '-c', 'print(open(\"SECRET\").read())'])",
    ),
    _tries(
        "become a shell", "os.execv('/bin/sh', ['sh', '-c', 'echo x > MARK'])", "import os",
        bare=False,
    ),
    _tries("kill its parent", "os.kill(os.getppid(), 0)", "import os"),
    _tries("kill everything", "os.kill(-1, 0)", "import os"),
    # other processes' memory and data
    _call("trace its parent", 101, "16", "ctypes.c_long(libc.getppid())", "0", "0"),
    _call("trace the first process", 101, "16", "1", "0", "0"),
    _call("read another process", 310, "1", "0", "1", "0", "1", "0"),
    Attempt(
        "read the parent's environment",
        "import os\nprint(open(f'/proc/{os.getppid()}/environ').read())\n'ESCAPED'",
        bare=True,
    ),
    Attempt("read the first process's files", "import os\nos.listdir('/proc/1/root')\n'ESCAPED'"),
    Attempt("read its own environment", "import os\nprint(dict(os.environ))", bare=True),
    Attempt(
        "look through its memory",
        "import gc\nseen = [one for kept in gc.get_objects() if type(kept) in (list, tuple)"
        " for one in kept]\nprint([one for one in seen if type(one) is str and len(one) == 32])",
    ),
    Attempt(
        "use descriptors that were left open",
        "import os\nown = {os.fstat(n).st_ino for n in (0, 1, 2)}\nleft = []\n"
        "for n in range(3, 32):\n"
        "    try:\n        left.append(os.fstat(n).st_ino)\n    except OSError:\n        pass\n"
        "'ESCAPED' if set(left) - own else ''",
    ),
    # the kernel of the machine
    _call("mount", 165, "b'none'", "b'/tmp'", "b'tmpfs'", "0", "0"),
    _call("change its root", 161, "b'/'"),
    _call("new name spaces", 272, "0x10000000"),
    _call("enter name spaces", 308, "0", "0"),
    _call("load a filter", 321, "0", "0", "0"),
    _call("make an io ring", 425, "8", "(ctypes.c_uint8 * 120)()"),
    _call("watch events", 298, "(ctypes.c_uint8 * 120)()", "0", "-1", "-1", "0"),
    _call("make a file in memory", 319, "b'x'", "0"),
    _call("open a file by its number", 304, "-100", "(ctypes.c_uint8 * 128)()", "0"),
    _call("keep a key", 248, "b'user'", "b'x'", "b'y'", "1", "-5"),
    _call("share memory", 29, "0", "4096", "0o1666"),
    _call("handle page faults", 323, "0"),
    _call("a 32-bit number for open", 0x40000002, "b'/etc/passwd'", "0"),
    Attempt(
        "a call of the 32-bit kind",
        "import ctypes, mmap\n"
        "m = mmap.mmap(-1, 4096, prot=7)\n"
        "m.write(bytes.fromhex('b814000000cd80c3'))\n"
        "f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\n"
        "'ESCAPED' if f() > 0 else ''",
    ),
    # its bounds
    _tries(
        "raise its bounds",
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
        "import resource",
        bare=False,
    ),
    _tries("take 3 GiB", "x = bytearray(3 << 30)"),
    _tries("take 3 GiB bit by bit", "x = [bytearray(1 << 24) for _ in range(192)]"),
    _tries("map 3 GiB", "mmap.mmap(-1, 3 << 30)", "import mmap"),
    Attempt("an endless loop", "while True:\n    pass"),
    Attempt("sleep", "import time\ntime.sleep(600)"),
    Attempt("one long step of C", "sum(range(10**12))"),
    Attempt("wait for a line that never comes", "import os\nos.read(0, 1)"),
    Attempt(
        "ignore what stops it",
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass",
    ),
    Attempt("print a gigabyte", "print('x' * 10**9)"),
    Attempt("print for ever", "while True:\n    print('x' * 1000)"),
    Attempt(
        "a value of a gigabyte",
        "class Big:\n    def __repr__(self):\n        return 'x' * 10**9\nBig()",
    ),
    Attempt("recursion", "def f():\n    return f()\nf()"),
    Attempt("nesting", "eval('(' * 10**5 + ')' * 10**5)"),
    Attempt("crash", "import ctypes\nctypes.string_at(1)"),
    # the pipe
    Attempt(
        "a pickle over the pipe",
        "import os, pickle\n"
        "class Evil:\n    def __reduce__(self):\n        return (open, ('MARK', 'w'))\n"
        "os.write(1, pickle.dumps(Evil()) + b'\\n')",
    ),
    Attempt(
        "a forged call of a tool that was not given",
        "import os\n"
        + _forged("call", cell=1, name="secret", arguments={})
        + "print(os.read(0, 9999))",
    ),
    Attempt(
        "a forged call of a cell in a cell",
        "import os\n"
        + _forged("call", cell=1, name="cell", arguments={})
        + "print(os.read(0, 9999))",
    ),
    Attempt("a forged beginning", "import os\n" + _forged("ready", holes=[])),
    Attempt("a message of no kind", "import os\n" + _forged("eval", code="1")),
    Attempt("an end that another follows", "import os\n" + _forged("done", cell=1) * 2),
    Attempt("deep nesting on the pipe", "import os\nos.write(1, b'[' * 500000 + b'\\n')"),
    Attempt(
        "not a number on the pipe",
        "import os\nos.write(1, b'{\"op\": \"done\", \"cell\": NaN}\\n')",
    ),
    Attempt(
        "a line without end",
        "import os\nwhile True:\n    os.write(1, b'x' * 65536)",
    ),
    Attempt(
        "a million calls",
        "while True:\n    try:\n        probe()\n    except ToolMistake:\n        pass",
    ),
    Attempt("close the pipe", "import os\nos.close(1)\nos.closerange(0, 99)"),
)  # fmt: skip
