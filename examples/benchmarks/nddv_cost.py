"""Time and memory of NDDV against the number of rows and columns.

Three tables: seconds and peak memory of a fit against n and d; milliseconds of one
training step; and what they extrapolate to at n = 10**6, d = 500. Every fit runs in a
process of its own, on one torch thread, on rows in a `numpy.memmap`. Memory is the peak
of the process beyond what it held before the fit, the float32 copy of the rows that
the fit needs anyway subtracted.

    python examples/benchmarks/nddv_cost.py [--large] [--device cuda]
    python examples/benchmarks/nddv_cost.py --beside FILE
    python examples/benchmarks/nddv_cost.py --threads N [--pairs P]

`--large` adds n = 10**5, d = 50. `--beside` times a training step in turn with another
implementation, a file with a function ``nddv(X, y, M, epochs, bs, meta, otf_on)``, and
prints the ratio pair by pair. `--threads` times an epoch with ``n_jobs=1`` and
``n_jobs=N`` in turn, each in a fresh process, checks that the values are the same bit
by bit, and says what N processes that share nothing did beside one.
"""

import argparse
import hashlib
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZES = [(1000, 5), (1000, 50), (10_000, 5), (10_000, 50), (10_000, 500)]
THREADED = [(100_000, 500, 5), (100_000, 500, 1), (10_000, 50, 5)]
STEPS = [(32, 20, 5), (1000, 5, 1), (1000, 50, 1), (1000, 500, 1)]


def make_rows(path, n, d):
    """Standard Gaussian rows in a file, labels by a hyperplane, a tenth wrong."""
    rng = np.random.default_rng(0)
    X = np.memmap(path, dtype=np.float64, mode="w+", shape=(n, d))
    y = np.empty(n, dtype=int)
    for start in range(0, n, 10_000):
        part = slice(start, min(start + 10_000, n))
        X[part] = rng.normal(size=X[part].shape)
        y[part] = X[part, : min(d, 5)].sum(axis=1) > 0
    y ^= rng.random(n) < 0.1
    X.flush()
    return X, y


def measure(n, d, n_members, max_epochs, device):
    """Fit once; print seconds, seconds a step and megabytes."""
    # The first torch operation of a process loads libraries: none of NDDV's cost.
    from skvalue import NDDVValuator

    warm_up = np.random.default_rng(0).normal(size=(64, 3))
    NDDVValuator(max_epochs=1, device=device).fit(warm_up, np.arange(64) % 2)
    with tempfile.TemporaryDirectory() as folder:
        X, y = make_rows(Path(folder) / "X", n, d)
        valuator = NDDVValuator(
            n_members=n_members, max_epochs=max_epochs, device=device, random_state=0
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        valuator.fit(X, y)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    n_steps = sum(epoch["train_batch_count"] for epoch in valuator.history_)
    megabytes = (peak - before) / 1024 - 4 * n * d / 2**20
    print(seconds, seconds / n_steps, megabytes)


def beside(path):
    """Time a step in turn with another implementation's, each in a fresh process."""
    for case in [(2000, 20, 5, 32, 8), (4000, 500, 1, 1000, 10)]:
        pairs = [
            [float(run_alone("--step", name, *case)) for name in ("ours", path)]
            for _ in range(5)
        ]
        ours, other = np.transpose(pairs)
        n, d, n_members, batch, _ = case
        print(
            f"n = {n}, d = {d}, {n_members} members, batch {batch}: ms a step "
            f"{np.median(ours):.2f} (other {np.median(other):.2f}), ratio "
            f"{np.median(ours / other):.2f} "
            f"[{(ours / other).min():.2f}, {(ours / other).max():.2f}]",
            flush=True,
        )


def threads(n_jobs, n_pairs):
    """Time an epoch on one thread and on several, in turn."""
    print(
        f"{n_jobs} processes that multiply matrices, beside one: "
        f"{np.median([cores_there_are(n_jobs) for _ in range(3)]):.2f} cores"
    )
    for n, d, n_members in THREADED:
        pairs = []
        for _ in range(n_pairs):
            pair = [
                run_alone("--epoch", n, d, n_members, jobs).split()
                for jobs in (1, n_jobs)
            ]
            if pair[0][1] != pair[1][1]:
                raise AssertionError(f"values differ between n_jobs=1 and {n_jobs}")
            pairs.append([float(seconds) for seconds, _ in pair])
        one, several = np.transpose(pairs)
        ratios = one / several
        print(
            f"n = {n}, d = {d}, {n_members} members: s an epoch, one thread "
            f"{np.median(one):.3f}, {n_jobs} threads {np.median(several):.3f}, ratio "
            f"{np.median(ratios):.2f} [{ratios.min():.2f}, {ratios.max():.2f}]; "
            "values the same",
            flush=True,
        )


def time_epoch(n, d, n_members, n_jobs):
    """Print the median seconds of a later epoch, and a hash of the values."""
    from skvalue import NDDVValuator

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)).astype(np.float32)
    y = (X[:, :5].sum(axis=1) > 0).astype(int)
    valuator = NDDVValuator(
        n_members=n_members, max_epochs=3, n_jobs=n_jobs, random_state=0
    ).fit(X, y)
    digest = hashlib.sha256(valuator.data_values_.tobytes()).hexdigest()
    print(np.median(valuator.history_[1:, "dur"]), digest)


def cores_there_are(n_processes):
    """Work that so many processes do in a second, beside what one does alone."""
    code = (
        "import time, numpy as np\n"
        "A = np.random.default_rng(0).normal(size=(500, 500))\n"
        "end, n = time.perf_counter() + 2, 0\n"
        "while time.perf_counter() < end: A @ A; n += 1\n"
        "print(n)"
    )

    def work(count):
        running = [
            subprocess.Popen(
                [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
            )
            for _ in range(count)
        ]
        return sum(float(process.communicate()[0]) for process in running)

    return work(n_processes) / work(1)


def time_step(name, n, d, n_members, batch, epochs):
    """Print the median milliseconds of a step over three fits after a warm-up."""
    X = np.random.default_rng(0).normal(size=(n, d))
    y = (X[:, 0] > 0).astype(int)
    if name == "ours":
        from skvalue import NDDVValuator

        valuator = NDDVValuator(
            n_members=n_members, max_epochs=epochs, batch_size=batch, random_state=0
        )

        def seconds_of_steps():
            # Without the set-up of a fit (standardising the rows), which the other
            # implementation leaves to its caller.
            return sum(valuator.fit(X, y).history_[:, "dur"])

        n_batches = -(-n // batch)
    else:
        sys.path.insert(0, str(Path(name).parent))
        spec = importlib.util.spec_from_file_location("other", name)
        other = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(other)
        settings = {"M": n_members, "epochs": epochs, "bs": batch}

        def seconds_of_steps():
            start = time.perf_counter()
            other.nddv(X[None], y[None], meta=False, otf_on=True, **settings)
            return time.perf_counter() - start

        n_batches = n // batch
    seconds = [seconds_of_steps() for _ in range(4)]
    print(1e3 * np.median(seconds[1:]) / (epochs * n_batches))


def run_alone(*arguments):
    """Output of this script with these arguments, in a process of its own."""
    return subprocess.run(
        [sys.executable, __file__, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def fit_alone(*arguments):
    return [float(figure) for figure in run_alone("--measure", *arguments).split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--beside", metavar="FILE")
    parser.add_argument("--threads", type=int, metavar="N")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epoch", nargs=4, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--step", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, *numbers = options.step
        time_step(name, *map(int, numbers))
        return
    if options.measure:
        *numbers, device = options.measure
        measure(*map(int, numbers), device)
        return
    if options.epoch:
        time_epoch(*options.epoch)
        return
    if options.threads:
        threads(options.threads, options.pairs)
        return
    if options.beside:
        beside(options.beside)
        return

    print("NDDVValuator, 20 epochs; MB beyond the float32 copy of X")
    print(f"{'n':>8s} {'d':>4s} {'members':>8s} {'seconds':>9s} {'ms/step':>8s}     MB")
    sizes = SIZES + ([(100_000, 50)] if options.large else [])
    step_seconds = {}
    for n, d in sizes:
        for n_members in (1, 5) if n <= 10_000 and d <= 50 else (1,):
            figures = fit_alone(n, d, n_members, 20, options.device)
            print(
                f"{n:8d} {d:4d} {n_members:8d} {figures[0]:9.2f} "
                f"{1e3 * figures[1]:8.2f} {max(0, figures[2]):6.0f}",
                flush=True,
            )
    print("\none step, batch as `batch_size='auto'` has it")
    for batch, d, n_members in STEPS:
        n = 2000 if batch == 32 else 32_000
        epochs = 5 if batch == 32 else 2
        figures = fit_alone(n, d, n_members, epochs, options.device)
        step_seconds[d] = figures[1]
        print(
            f"d = {d:3d}, {n_members} members: {1e3 * figures[1]:6.2f} ms", flush=True
        )
    minutes = step_seconds[500] * 1000 * 20 / 60
    print(
        f"\nn = 10**6, d = 500, 20 epochs, one member: {minutes:.1f} min (extrapolated)"
    )


if __name__ == "__main__":
    main()
