"""What ``course.py doctor`` looks at before there is an environment; the rest, inside it, is in doctor.py.

Read by ``course.py``, which hands itself over as ``course``: standard library only, no syntax newer than Python 3.7.
"""

import os
import platform
import shutil
import signal
import subprocess
import sys


def doctor(course):
    """Look at everything the course stands on, and say for each problem what to do."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that `doctor | head` ends quietly
    problems = 0
    for subject, finding, stops, advice in look(course):
        print("%s %-15s%s" % ("ok" if not advice else "!!" if stops else " -", subject, finding))
        if advice:
            print("     -> " + advice)
        sys.stdout.flush()
        problems += bool(advice and stops)
    if not course.unsupported_machine() and course.LOCK.is_file() and course.is_ready(course.environment_folder()):
        inside = course.python_in(course.environment_folder())
        problems += subprocess.call([inside, "-P", "-m", "course_utils.commands.doctor"])
    print("%d problem(s) to solve first." % problems if problems else "Nothing stands in the way.")
    return 1 if problems else 0


def look(course):
    """Give (subject, finding, whether it stops the course, what to do or None) for one thing after the other."""
    yield "machine", "%s %s" % (platform.system(), platform.machine()), True, course.unsupported_machine()
    if course.unsupported_machine():
        return
    files = (course.LOCK, course.ROOT / "pyproject.toml")
    lacking = ", ".join(str(path) for path in files if not path.is_file())
    yield "course", "lacks " + lacking if lacking else "is whole", True, course.ADVICE["DAMAGED"] if lacking else None
    if lacking:
        return
    prefix = course.environment_folder()
    ready = course.is_ready(prefix)
    has_one = ready or course.can_be_filled(prefix)
    lacks = None if has_one else course.no_way()
    brought = "uv brings Python 3.11 from github.com; if that is refused, " + course.ADVICE["WAYS"]
    if has_one or course.fitting_python():
        brought = None
    yield "Python", platform.python_version(), bool(lacks), lacks or brought
    begun = os.path.exists(course.python_in(prefix))
    there = "is not finished, or older than this checkout" if begun else "is not made yet"
    advice = None if ready else course.in_the_way(prefix) or "python3 course.py lab makes it (a minute or more)."
    yield "environment", "%s %s" % (prefix, "is ready" if ready else there), bool(course.in_the_way(prefix)), advice
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield "cores", str(cores), False, None if cores > 1 else "Everything runs; the tests take about twice the time."
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    advice = None if memory > 3.5 else "Close other programs, and keep one lecture open at a time."
    yield "memory", "%.1f GB" % memory, False, advice
    free, needed = shutil.disk_usage(str(course.ROOT)).free / 1e9, 0.5 if ready else 3.0
    advice = "Make room: %.1f GB are needed here" % needed
    advice += "." if ready else " (7 GB where PyTorch brings its libraries for NVIDIA cards)."
    yield "disk", "%.1f GB free" % free, True, None if free > needed else advice
    writable = os.access(str(course.ROOT), os.W_OK)
    advice = None if writable else course.ADVICE["explain"]("Read-only file system", course.ROOT)
    yield "folder", "%s is %swritable" % (course.ROOT, "" if writable else "not "), True, advice
