"""%cpbench in an IPython of its own: its options, what it shows, and what it refuses."""

import pytest
from reports import runs

NORM = """
norm = cpjit(lambda x, y: np.sqrt(x * x + y * y))
x, y = np.linspace(1.0, 2.0, 100), np.linspace(2.0, 3.0, 100)
"""


@pytest.fixture
def session(session):
    def run(*cells):
        _, *outcomes = session(NORM, *cells)
        return [(each.success, each.printed, each.texts, each.kinds) for each in outcomes]

    return run


@runs
def test_a_call_is_timed_and_shown_in_both_faces(session):
    ((success, printed, texts, kinds),) = session("%cpbench -r 3 --against numpy norm(x, y)")
    assert success, printed
    (text,) = texts
    assert text.startswith("<lambda>(x: f64[:], y: f64[:])\n")
    assert "  100       cpnum  " in text
    assert "numexpr" not in text
    assert kinds == [["text/html", "text/plain"]]
    assert printed == ""


@runs
def test_options_are_those_of_bench(session):
    line = "-n 1e1:1e2 -r 2 --against numpy --cpu-time -q -o times norm(x, -y)"
    quiet, sizes, samples, magnitude = session(
        f"%cpbench {line}",
        "times.sizes",
        "{len(row.timing.samples) for row in times.rows}",
        "times.subject[1].arguments[1].max() < 0 and times.cpu_time",
    )
    assert quiet == (True, "", [], [])
    assert "[10, 30, 100]" in sizes[1]
    assert "{2}" in samples[1]
    assert "True" in magnitude[1]


@runs
def test_a_plot_is_drawn_by_size_or_by_calls(session):
    one, many = session(
        "%cpbench -r 3 --against numpy -p norm(x, y)",
        "%cpbench -r 3 --against numpy -p -n 10,20 norm(x, y)",
    )
    for success, printed, texts, kinds in (one, many):
        assert success, printed
        assert kinds[1] == ["image/png", "text/plain"]
        assert len(texts) == 2


@runs
def test_arguments_are_read_as_they_are_written(session):
    cells = session(
        "shift = cpjit(lambda x, by=0.0, name='': x + by)",
        "%cpbench -q -r 1 --against numpy -o times shift(*[x[::2]], by=2.5, name='a  -b')",
        "times.subject[1]",
        "%cpbench -q -r 1 --against numpy -o times norm(*[each for each in (x, y)])",
    )
    assert all(success for success, *_ in cells), [printed for _, printed, *_ in cells]
    assert "'by': 2.5, 'name': 'a  -b'" in cells[2][1]


REFUSED = {
    "--elements 1e3 norm(x, y)": "%cpbench: there is no option --elements, `%cpbench?` lists",
    "--sices 1e3 norm(x, y)": "%cpbench: there is no option --sices, did you mean --sizes?",
    "-n many norm(x, y)": "argument -n/--sizes: many is not as 1e3,1e5 or 1e3:1e6",
    "-n 1e5:1e3 norm(x, y)": "argument -n/--sizes: there are no sizes from 1e5 to 1e3",
    "-o 1st norm(x, y)": "%cpbench: 1st is not a name",
    "--against jax norm(x, y)": "%cpbench: no peer 'jax': there are numpy, numexpr, numba",
    "norm": "%cpbench: write a call of a compiled function, as f(x), not norm",
    "": "%cpbench: write a call of a compiled function, as f(x), not nothing",
    "norm(x,": "%cpbench: '(' was never closed: norm(x,",
    "np.sqrt(x)": "bench times a compiled function, and sqrt is none: write cpjit(sqrt)",
}


def test_what_is_not_understood_is_a_usage_error(session):
    outcomes = session(*[f"%cpbench {line}" for line in REFUSED])
    for (success, printed, *_), (line, message) in zip(outcomes, REFUSED.items(), strict=True):
        assert not success, line
        assert printed.startswith("UsageError: "), printed
        assert message in printed
        assert len(printed.strip().splitlines()) <= 6, printed


def test_an_error_of_the_call_is_shown_without_frames_of_cpnum(session):
    refused, raised = session(
        "%cpbench cpjit(lambda x: x if x > 0 else -x)(x)", "%cpbench norm(x, unknown)"
    )
    assert not refused[0]
    assert "a truth value" in refused[1]
    assert len(refused[1].strip().splitlines()) <= 6
    assert "NameError: name 'unknown' is not defined" in raised[1]


def test_the_magic_goes_with_the_extension(session):
    before, unload, after, again = session(
        "'cpbench' in get_ipython().magics_manager.magics['line']",
        "%unload_ext cpnum",
        "'cpbench' in get_ipython().magics_manager.magics['line']",
        "%load_ext cpnum\n%cpbench?",
    )
    assert "True" in before[1]
    assert unload[0]
    assert "False" in after[1]
    assert again[0], again[1]


@runs
def test_an_interrupt_shows_what_is_finished(session):
    _, (success, printed, texts, _) = session(
        "import cpnum.compare.bench as module\n"
        "add = module.Contest.add\n"
        "def stopped(self, size, given):\n"
        "    if size == 30:\n"
        "        raise KeyboardInterrupt\n"
        "    add(self, size, given)\n"
        "module.Contest.add = stopped",
        "%cpbench -n 1e1:1e2 -r 1 --against numpy norm(x, y)",
    )
    assert success, printed
    assert texts[0].endswith("interrupted: 1 of 3 sizes are finished")


@runs
def test_magics_leave_arguments_as_they_are(session):
    cells = (
        "moved = cpjit(lambda x: x.__imul__(2))\nu = np.ones(200_000)",
        "%cpbench -r 3 --against numpy moved(u)",
        "u.min(), u.max()",
        "%cpjit -n 2 moved(u)",
        "u.min(), u.max()",
        "%%cpjit --bench\nfor _ in range(2):\n    moved(u)",
        "u.min(), u.max()",
    )
    printed = [each[1] for each in session(*cells)]
    assert "(np.float64(1.0), np.float64(1.0))" in printed[2]
    assert "(np.float64(2.0), np.float64(2.0))" in printed[4]
    assert "(np.float64(8.0), np.float64(8.0))" in printed[6]
