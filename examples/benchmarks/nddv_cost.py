"""Time and memory of NDDV against the number of rows and columns.

Three tables: seconds and peak memory of a fit against n and d; milliseconds of one
training step; and what they extrapolate to at n = 10**6, d = 500. Every fit runs in a
process of its own, on one torch thread, on rows in a `numpy.memmap`. Memory is the peak
of the process beyond what it held before the fit, the float32 copy of the rows that
the fit needs anyway subtracted.

    python examples/benchmarks/nddv_cost.py [--large] [--device cuda]
    python examples/benchmarks/nddv_cost.py --beside FILE

`--large` adds n = 10**5, d = 50. `--beside` times a training step in turn with another
implementation, a file with a function ``nddv(X, y, M, epochs, bs, meta, otf_on)``, and
prints the ratio pair by pair.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZES = [(1000, 5), (1000, 50), (10_000, 5), (10_000, 50), (10_000, 500)]
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


def in_own_process(n, d, n_members, max_epochs, device):
    output = subprocess.run(
        [sys.executable, __file__, "--measure"]
        + [str(value) for value in (n, d, n_members, max_epochs, device)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [float(figure) for figure in output.split()]


def beside(path):
    """Time our step in turn with another implementation's; print paired ratios."""
    from skvalue import NDDVValuator

    sys.path.insert(0, str(Path(path).parent))
    spec = importlib.util.spec_from_file_location("other", path)
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)
    for n, d, n_members, batch, epochs in [
        (2000, 20, 5, 32, 4),
        (4000, 500, 1, 1000, 8),
    ]:
        X = np.random.default_rng(0).normal(size=(n, d))
        y = (X[:, 0] > 0).astype(int)
        steps = {"other": epochs * (n // batch), "ours": epochs * -(-n // batch)}
        milliseconds = {"other": [], "ours": []}
        for repetition in range(8):
            start = time.perf_counter()
            other.nddv(
                X[None],
                y[None],
                M=n_members,
                epochs=epochs,
                bs=batch,
                meta=False,
                otf_on=True,
            )
            between = time.perf_counter()
            NDDVValuator(
                n_members=n_members, max_epochs=epochs, batch_size=batch, random_state=0
            ).fit(X, y)
            end = time.perf_counter()
            if repetition:  # the first is a warm-up
                milliseconds["other"].append(1e3 * (between - start) / steps["other"])
                milliseconds["ours"].append(1e3 * (end - between) / steps["ours"])
        ratios = np.divide(milliseconds["ours"], milliseconds["other"])
        print(
            f"n = {n}, d = {d}, {n_members} members, batch {batch}: ms a step "
            f"{np.median(milliseconds['ours']):.2f} (other "
            f"{np.median(milliseconds['other']):.2f}), ratio {np.median(ratios):.2f} "
            f"[{ratios.min():.2f}, {ratios.max():.2f}]",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--beside", metavar="FILE")
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        *numbers, device = options.measure
        measure(*map(int, numbers), device)
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
            figures = in_own_process(n, d, n_members, 20, options.device)
            print(
                f"{n:8d} {d:4d} {n_members:8d} {figures[0]:9.2f} "
                f"{1e3 * figures[1]:8.2f} {max(0, figures[2]):6.0f}",
                flush=True,
            )
    print("\none step, batch as `batch_size='auto'` has it")
    for batch, d, n_members in STEPS:
        n = 2000 if batch == 32 else 32_000
        epochs = 5 if batch == 32 else 2
        figures = in_own_process(n, d, n_members, epochs, options.device)
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
