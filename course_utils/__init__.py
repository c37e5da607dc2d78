"""The backing package of the attention course: what would be the same, word for word, in any notebook."""

import os
import sys

# Without it the first import of dgl prints two lines and writes a configuration file to the home folder.
os.environ.setdefault("DGLBACKEND", "pytorch")


def _use_one_thread_unless_chosen() -> None:
    """Let PyTorch and DGL compute on one thread, whether they are imported before the course or after.

    The lectures' matrices are small: more threads gain little, and with fewer free cores than threads they wait for
    each other so long that a lecture hardly ends. On two cores and beside two busy processes, lecture 03 took 132
    seconds with one thread, and with two it had not ended after 640. Who wants more sets ``OMP_NUM_THREADS`` or
    ``MKL_NUM_THREADS``, or calls ``torch.set_num_threads``.
    """
    if "OMP_NUM_THREADS" in os.environ or "MKL_NUM_THREADS" in os.environ:
        return
    torch, dgl = sys.modules.get("torch"), sys.modules.get("dgl")
    if torch is not None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # PyTorch starts with a thread for each core, or for each pair of hyper-threads; another number was chosen.
        if torch.get_num_threads() not in (cores, cores // 2):
            return
        torch.set_num_threads(1)
    if dgl is not None:
        dgl.utils.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # read by what is imported from here on, and by processes that are started


_use_one_thread_unless_chosen()
