"""A blocking store and a process that was forked from the one that opened it."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

OPENED = """
import gc, os, sys, warnings
from zeitlich_store import ConfigurationError, open_store_sync

warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads: that is the point
warnings.simplefilter("ignore", ResourceWarning)  # of what the child drops

def refused(call):
    try:
        call()
    except ConfigurationError as exc:
        assert "does not go through a fork: open one in each process" in str(exc), exc
        return
    raise AssertionError("it was not refused")

def in_child(work):
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

url, folder = sys.argv[1:]
store = open_store_sync(url, folder).open()
thread = store.thread("forked-a")
thread.initialize(replace=True)
thread.append({"id": "a"})
thread.flush(delete_hot=False)
"""
REFUSED = """
rows, session = store.verify(), store.session("forked-s")
entered = session.__enter__()
def child():
    for call in (
        lambda: store.thread("x"), lambda: store.session("x"), lambda: store.read("x"),
        lambda: store.stat("x"), store.list, lambda: store.delete("x"), store.verify,
        lambda: store.convert(format="v2"), lambda: store.salvage("x"), store.open,
        thread.load, lambda: thread.append({"id": "b"}), lambda: next(rows), entered.load,
        lambda: session.__exit__(None, None, None),
    ):
        refused(call)
"""
CASES = {
    "every call is refused": REFUSED + "in_child(child)",
    "also where a lock was held": REFUSED
    + """
from zeitlich_store.background import background
with store._desk._changed, background._lock:
    in_child(child)
""",
    "closing does nothing": """
rows = store.verify()
def child():
    store.close()
    rows.close()
    store.__exit__(None, None, None)
in_child(child)
assert thread.load() == [{"id": "a"}]
""",
    "what the child drops stays the parent's": """
from zeitlich_store.background import background
client = store._store.hot.client
before = background.run(client.client_id())
def child():
    global store, thread, client
    del store, thread, client
    gc.collect()
in_child(child)
assert background.run(client.client_id()) == before, "the parent had to connect anew"
""",
    "the child opens its own": """
from zeitlich_store.background import background
from zeitlich_store.backends import local_locks
def child():
    with open_store_sync(url, folder) as own:
        assert own.thread("forked-a").load() == [{"id": "a"}]
        own.thread("forked-a").append({"id": "c"})
        own.thread("forked-a").flush(delete_hot=False)
held = local_locks._threads[:]
for lock in held:
    lock.acquire()
with background._lock:
    in_child(child)
for lock in held:
    lock.release()
assert thread.load() == [{"id": "a"}, {"id": "c"}]
""",
    "one that was closed before is opened by the child": """
store.close()
def child():
    with store:
        store.read("forked-a")
in_child(child)
""",
}


@pytest.mark.parametrize("code", CASES.values(), ids=CASES)
def test_a_store_does_not_go_through_a_fork(code, redis_server, tmp_path):
    command = [sys.executable, "-c", OPENED + code, redis_server.url, f"file://{tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
