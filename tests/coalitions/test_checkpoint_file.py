"""The file of a checkpoint: tried and locked before any work, replaced whole or not."""

import errno
import hashlib
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from coalition_oracles import CentroidClassifier
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification

from skvalue import AmortizedShapley
from skvalue._coalitions import file_lock
from skvalue._coalitions.checkpoint import MAGIC, Checkpoint
from skvalue._coalitions.file_lock import FileLock
from skvalue.semivalues import DataShapley

X, Y = make_classification(24, 4, random_state=0)
HEADER = {"seed": 1, "fingerprint": {"X": "of the tests"}}
STATE = {"used": np.arange(3), "sums": np.linspace(0, 1, 7)}

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")


class NeverFitted(CentroidClassifier):
    def fit(self, X, y):
        raise AssertionError("work before the checkpoint was tried")


class Stops(CentroidClassifier):
    """Raises at a number of fits in all; a byte of a file counts each."""

    def __init__(self, at, error, counter):
        self.at = at
        self.error = error
        self.counter = counter

    def fit(self, X, y):
        with open(self.counter, "ab") as file:
            file.write(b".")
        if os.path.getsize(self.counter) == self.at:
            raise self.error
        return super().fit(X, y)


def shapley(estimator=None, **parameters):
    parameters = {"max_evaluations": 400, "cv": 2, "tol": None} | parameters
    return DataShapley(estimator or CentroidClassifier(), random_state=0, **parameters)


def write(path, header=HEADER, arrays=STATE):
    with Checkpoint(path) as checkpoint:
        checkpoint.save(header, arrays)


def read(path):
    with Checkpoint(path) as checkpoint:
        return checkpoint.load()


@contextmanager
def full_disk(n_bytes=64):
    """Files that grow beyond this fail to be written, as on a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --------------------------------------------------------------------- where to write


def a_fifo(folder):
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def a_socket(folder):
    # The name of a socket must be short.
    here = os.getcwd()
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    os.chdir(here)
    return folder / "socket"


def a_read_only_file(folder):
    write(folder / "values.ckpt")
    (folder / "values.ckpt").chmod(0o444)
    return folder / "values.ckpt"


def a_circle_of_links(folder):
    (folder / "one").symlink_to(folder / "other")
    (folder / "other").symlink_to(folder / "one")
    return folder / "one"


def a_read_only_folder(folder):
    if os.geteuid() == 0:
        # The superuser may write to any folder that is a real one.
        return "/proc/values.ckpt"
    (folder / "closed").mkdir(mode=0o555)
    return folder / "closed" / "values.ckpt"


IMPOSSIBLE = {
    "nothing": (lambda folder: "", "no file name"),
    "NUL": (lambda folder: "values\0.ckpt", "no file name"),
    "a half character": (lambda folder: "values\udfff.ckpt", "no file name"),
    "here": (lambda folder: ".", "is a folder"),
    "a folder": (lambda folder: folder, "is a folder"),
    "a folder to be": (lambda folder: f"{folder}/new/", "is a folder"),
    "no folder": (lambda folder: folder / "no" / "file", "there is no folder"),
    "a file as folder": (
        lambda folder: a_read_only_file(folder) / "file",
        "there is no folder",
    ),
    "a long name": (lambda folder: folder / ("n" * 300), "cannot be written"),
    "a device": (lambda folder: "/dev/zero", "not a regular file"),
    "a sink": (lambda folder: "/dev/null", "not a regular file"),
    "a pipe": (a_fifo, "not a regular file"),
    "a socket": (a_socket, "not a regular file"),
    "a read-only file": (a_read_only_file, "read-only file"),
    "a read-only folder": (a_read_only_folder, "cannot be written"),
    "a circle of links": (a_circle_of_links, "cannot be written"),
}


@posix
@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_a_place_that_cannot_be_written_raises_before_any_work(kind, tmp_path):
    make, message = IMPOSSIBLE[kind]
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=f"checkpoint=.*{message}"):
        shapley(NeverFitted(), checkpoint=path).fit(X, Y)
    assert sorted(tmp_path.rglob("*")) == before


@posix
def test_a_full_disk_raises_before_any_work(tmp_path):
    path = tmp_path / "values.ckpt"
    with full_disk(0), pytest.raises(ValueError, match=r"checkpoint=.*too large"):
        shapley(NeverFitted(), checkpoint=path).fit(X, Y)
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("which", ["labels", "labels.validation"])
@pytest.mark.parametrize("fault", ["a folder", "damaged", "in use"])
def test_both_files_of_amortized_labels_are_tried_before_any_work(
    which, fault, tmp_path
):
    source = shapley(NeverFitted(), checkpoint=tmp_path / "labels")
    in_use = nullcontext()
    if fault == "a folder":
        (tmp_path / which).mkdir()
    elif fault == "damaged":
        (tmp_path / which).write_bytes(MAGIC)
    else:
        in_use = Checkpoint(tmp_path / which)
    with in_use, pytest.raises(ValueError, match=f"checkpoint=.*{which}' is .*{fault}"):
        AmortizedShapley(source, regressor="ridge").fit(X, Y)


@posix
def test_links_are_followed_and_stay(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "values.ckpt", tmp_path / "link.ckpt"
    link.symlink_to(Path("there") / "values.ckpt")
    shapley(checkpoint=link).fit(X, Y)
    assert link.is_symlink()
    assert [file.name for file in target.parent.iterdir()] == ["values.ckpt"]
    before = target.read_bytes()
    longer = shapley(checkpoint=link, max_evaluations=800).fit(X, Y)
    assert link.is_symlink()
    assert target.read_bytes() != before
    resumed = shapley(checkpoint=target, max_evaluations=800).fit(X, Y)
    assert_array_equal(resumed.data_values_, longer.data_values_)


@posix
def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "values.ckpt"
    write(path)
    path.chmod(0o640)
    write(path, arrays={"used": np.ones(2)})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# ---------------------------------------------------------------- writes that fail


@posix
def test_a_failing_write_warns_and_keeps_values_state_and_the_old_file(tmp_path):
    path = tmp_path / "values.ckpt"
    plain = shapley().fit(X, Y).data_values_
    valuator = shapley(checkpoint=path, warm_start=True, max_evaluations=200).fit(X, Y)
    before = path.read_bytes()
    valuator.set_params(max_evaluations=400, checkpoint_interval=0.0)
    with (
        full_disk(),
        pytest.warns(RuntimeWarning, match=r"checkpoint=.*File too large"),
    ):
        valuator.fit(X, Y)
    assert_array_equal(valuator.data_values_, plain)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["values.ckpt"]
    # The state goes on, and is written now that it can be.
    longer = valuator.set_params(max_evaluations=800).fit(X, Y)
    whole = shapley(max_evaluations=800).fit(X, Y)
    assert_array_equal(longer.data_values_, whole.data_values_)
    resumed = shapley(max_evaluations=800, checkpoint=path).fit(X, Y)
    assert_array_equal(resumed.data_values_, whole.data_values_)


@posix
@pytest.mark.parametrize("again", ["interval", "end"])
def test_a_failed_write_is_tried_again(again, tmp_path):
    path = tmp_path / "values.ckpt"
    with Checkpoint(path, interval=0.0) as checkpoint:
        with full_disk(), pytest.warns(RuntimeWarning, match="could not be written"):
            checkpoint.save_if_due(HEADER, lambda: STATE)
        assert not path.exists()
        if again == "interval":
            checkpoint.save_if_due(HEADER, lambda: STATE)
            assert path.exists()
    header, arrays = read(path)
    assert header == HEADER
    assert_array_equal(arrays["sums"], STATE["sums"])


def test_a_folder_that_vanishes_loses_no_values(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with (
        pytest.warns(RuntimeWarning, match="could not be written: No such file"),
        Checkpoint(folder / "values.ckpt") as checkpoint,
    ):
        (folder / ".values.ckpt.skvalue-lock").unlink()
        folder.rmdir()
        checkpoint.save(HEADER, STATE)


def test_writes_keep_to_the_interval(tmp_path):
    path = tmp_path / "values.ckpt"
    with Checkpoint(path, interval=1000.0) as checkpoint:
        checkpoint.save_if_due(HEADER, lambda: STATE)
        assert not path.exists()
    assert path.exists()


def test_without_a_path_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Checkpoint(None, interval=0.0) as checkpoint:
        assert checkpoint.load() == (None, None)
        checkpoint.save_if_due(HEADER, None)
        checkpoint.save(HEADER, STATE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_an_exception_ends_is_saved(error, tmp_path):
    path, counter = tmp_path / "values.ckpt", tmp_path / "counter"
    valuator = shapley(Stops(300, error, str(counter)), checkpoint=path)
    with pytest.raises((error, RuntimeError)):
        valuator.fit(X, Y)
    saved = int(read(path)[1]["used"].sum())
    assert saved > 200
    resumed = valuator.fit(X, Y)
    assert counter.stat().st_size <= 300 + 400 - saved
    assert_array_equal(resumed.data_values_, shapley().fit(X, Y).data_values_)


def test_what_a_killed_write_left_is_removed(tmp_path):
    (tmp_path / ".values.ckpt.skvalue-tmp").write_bytes(b"half a file")
    (tmp_path / ".values.ckpt.skvalue-lock").touch()
    write(tmp_path / "values.ckpt")
    assert [file.name for file in tmp_path.iterdir()] == ["values.ckpt"]


@posix
def test_no_link_at_the_temporary_name_is_written_through(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / ".values.ckpt.skvalue-tmp").symlink_to(precious)
    write(tmp_path / "values.ckpt")
    assert precious.read_text() == "mine"


# ------------------------------------------------------------------------- reading


def archive(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


class Exploit:
    def __reduce__(self):
        return os.mkdir, ("exploited",)


PAYLOADS = {
    "no header": lambda: archive(a=np.arange(3)),
    "a header that is no JSON": lambda: archive(header=np.array("{")),
    "a header that is no dict": lambda: archive(header=np.array("[1]")),
    "a header without a seed": lambda: archive(header=np.array("{}")),
    "no archive": lambda: b"not a zip file",
    "half an archive": lambda: archive(header=np.array(json.dumps(HEADER)))[:-9],
    "a pickle": lambda: archive(header=np.array([Exploit()], dtype=object)),
    "a bare pickle": lambda: __import__("pickle").dumps(Exploit()),
}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_file_made_by_hand_raises_and_runs_no_code(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    payload = PAYLOADS[kind]()
    content = MAGIC + hashlib.sha256(payload).digest() + payload
    path = tmp_path / "values.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint=.*not a checkpoint"):
        shapley(NeverFitted(), checkpoint=path).fit(X, Y)
    assert [file.name for file in tmp_path.iterdir()] == ["values.ckpt"]
    assert path.read_bytes() == content


def test_every_flipped_bit_is_found(tmp_path):
    path = tmp_path / "values.ckpt"
    shapley(checkpoint=path).fit(X, Y)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    bits = rng.choice(8 * len(content), size=400, replace=False)
    with Checkpoint(path) as checkpoint:
        for bit in bits.tolist():
            content[bit // 8] ^= 1 << bit % 8
            path.write_bytes(content)
            with pytest.raises(ValueError, match=r"damaged|not a checkpoint"):
                checkpoint.load()
            content[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("content", ["foreign", "another run"])
def test_a_warm_start_does_not_write_over_the_file_of_another(content, tmp_path):
    path = tmp_path / "values.ckpt"
    if content == "foreign":
        path.write_bytes(b"the only copy of my thesis")
    else:
        shapley(checkpoint=path, min_coalition_size=3).fit(X, Y)
    before = path.read_bytes()
    valuator = shapley(warm_start=True, max_evaluations=200).fit(X, Y)
    valuator.set_params(checkpoint=path, max_evaluations=400)
    with pytest.raises(
        ValueError, match=r"checkpoint=.*(another run|not a checkpoint)"
    ):
        valuator.fit(X, Y)
    assert path.read_bytes() == before


def test_a_warm_start_without_a_seed_does_not_write_over_another_run(tmp_path):
    path = tmp_path / "values.ckpt"
    valuator = shapley(warm_start=True).set_params(random_state=None).fit(X, Y)
    clone(valuator).set_params(checkpoint=path).fit(X, Y)
    with pytest.raises(ValueError, match=r"another run: .*seed differ"):
        valuator.set_params(checkpoint=path).fit(X, Y)


def test_of_a_warm_start_and_a_file_the_further_one_goes_on(tmp_path):
    path = tmp_path / "values.ckpt"
    longer = shapley(checkpoint=path).fit(X, Y)
    valuator = shapley(warm_start=True, max_evaluations=200).fit(X, Y)
    valuator.set_params(checkpoint=path, max_evaluations=400).fit(X, Y)
    assert_array_equal(valuator.data_values_, longer.data_values_)


# ------------------------------------------------------------------------- the lock


@posix
@pytest.mark.parametrize("second", ["same name", "link", "through a linked folder"])
def test_a_second_fit_on_the_same_file_raises_at_once(second, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "values.ckpt"
    (tmp_path / "link.ckpt").symlink_to(path)
    (tmp_path / "linked").symlink_to(folder)
    other = {
        "same name": path,
        "link": tmp_path / "link.ckpt",
        "through a linked folder": tmp_path / "linked" / "values.ckpt",
    }[second]
    with Checkpoint(path) as checkpoint:
        with pytest.raises(ValueError, match=r"checkpoint=.*in use by another fit"):
            shapley(NeverFitted(), checkpoint=other).fit(X, Y)
        checkpoint.save(HEADER, STATE)
        with pytest.raises(ValueError, match=r"checkpoint=.*in use by another fit"):
            shapley(NeverFitted(), checkpoint=other).fit(X, Y)
    assert read(other)[0] == HEADER
    assert [file.name for file in folder.iterdir()] == ["values.ckpt"]


OWNER = """
import os, sys, time
from joblib import Parallel, delayed
from skvalue._coalitions.checkpoint import Checkpoint

with Checkpoint(sys.argv[1]), Parallel(n_jobs=2) as parallel:
    workers = parallel(delayed(os.getpid)() for _ in range(2))
    forked, told = os.pipe()
    child = os.fork()
    if child:
        # A child lets go of the lock before it comes back from the fork.
        os.read(forked, 1)
        print(child, *workers, flush=True)
    else:
        os.write(told, b".")
    time.sleep(60)
    os._exit(0)
"""


@posix
def test_the_lock_dies_with_its_owner_though_its_children_live(tmp_path):
    path = tmp_path / "values.ckpt"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, path],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with owner.stdout:
        try:
            children = [int(number) for number in owner.stdout.readline().split()]
            with pytest.raises(ValueError, match="in use by another fit"):
                read(path)
            owner.kill()
            owner.wait()
            for child in children:
                os.kill(child, 0)
            write(path)
            for child in children:
                os.kill(child, 0)
        finally:
            os.killpg(owner.pid, signal.SIGKILL)
            owner.wait()
    assert [file.name for file in tmp_path.iterdir()] == ["values.ckpt"]


@posix
def test_a_forked_child_neither_writes_nor_unlocks(tmp_path):
    path = tmp_path / "values.ckpt"
    with Checkpoint(path) as checkpoint:
        child = os.fork()
        if not child:
            checkpoint.save(HEADER, STATE)
            checkpoint.__exit__(None, None, None)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert not path.exists()
        with pytest.raises(ValueError, match="in use by another fit"):
            read(path)


def test_never_two_owners_while_the_lock_file_comes_and_goes(tmp_path):
    inside, most, taken = [], [], []

    def work():
        for _ in range(300):
            lock = FileLock(tmp_path / "lock")
            if lock.acquire():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()
                taken.append(1)
                lock.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(taken) > 10
    assert list(tmp_path.iterdir()) == []


@posix
def test_without_locks_on_the_file_system_it_warns_and_goes_on(tmp_path, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(file_lock.fcntl, "flock", flock)
    path = tmp_path / "values.ckpt"
    with pytest.warns(RuntimeWarning, match="checkpoint=.*cannot be locked"):
        shapley(checkpoint=path).fit(X, Y)
    assert [file.name for file in tmp_path.iterdir()] == ["values.ckpt"]
