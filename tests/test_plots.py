"""The plots of a bench: their lines, bands, labels and texts; nothing global is changed."""

import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pictures
import pytest
from matplotlib.figure import Figure
from reports import runs

import cpnum
from cpnum import CpnumError, cpjit
from cpnum.compare import ceilings, plots
from cpnum.compare.competitors import CPNUM, NUMPY, Given
from cpnum.compare.contest import FirstCalls, Row
from cpnum.compare.drawing import COLOURS, LIGHT, style_of
from cpnum.compare.result import Bench, Work
from cpnum.show.timing import timing_of

SIZES = (100, 10_000, 1_000_000)
STAGES = {"trace": 1e-4, "select": 2e-4, "place": 1e-5}


def samples(seconds, spread=0.02):
    return timing_of([seconds * (1 - spread), seconds, seconds * (1 + spread)])


def bench(**others):
    """Return a bench with times that are made up: cpnum's calls take 1 µs and 1 ns an element."""
    rows = []
    for size in SIZES:
        times = {CPNUM: 1e-6 + 1e-9 * size, NUMPY: 5e-6 + 4e-9 * size, "mine": 2e-9 * size}
        for name, seconds in times.items():
            spread = 0.3 if (name, size) == ("mine", 100) else 0.02
            rows.append(Row(name, size, size, samples(seconds, spread), ""))
    first = {
        CPNUM: FirstCalls(
            samples(3e-3), samples(4e-4), {**STAGES, "pack": 2.5e-3}, {**STAGES, "emit": 5e-5}
        ),
        "mine": FirstCalls(samples(1.0)),
    }
    fields = {
        "signature": "f(x: f64[:])",
        "rows": tuple(rows),
        "first": first,
        "about": {},
        "left_out": {},
        "threads": 1,
        "processor": "some processor",
        "versions": "cpnum 1, NumPy 2",
        "caches": (("L1", 1 << 15), ("L2", 1 << 19), ("L3", 1 << 25)),
        "work": Work(16, 4, "float64"),
    }
    return Bench(**{**fields, **others})


def axes_of(figure):
    (axes,) = figure.axes
    return axes


def lines(axes):
    """Return the lines that are in the legend."""
    handles, labels = axes.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def texts(axes):
    return [each.get_text() for each in axes.texts]


# -- all of them --------------------------------------------------------------------------------


@pytest.fixture
def quick_ceilings(monkeypatch):
    found = ceilings.Ceilings({"L1": 8e10, "memory": 1e10}, 3e10)
    monkeypatch.setattr(plots, "ceilings", lambda *arguments: found)


SUBJECT = (cpjit(np.sqrt), Given((np.linspace(1.0, 2.0, 50),), {}))
KINDS = ["sizes", "calls", "compile", "roofline", pytest.param("errors", marks=runs)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_changes_nothing_global_and_is_readable_in_any_style(kind, quick_ceilings):
    with mpl.rc_context():
        mpl.rcParams.update(mpl.rcParamsDefault)
        mpl.style.use("dark_background")
        before = dict(mpl.rcParams)
        figure = bench(subject=SUBJECT).plot(kind)
        png, metadata = figure._repr_png_()
        assert dict(mpl.rcParams) == before
    assert png.startswith(b"\x89PNG")
    axes = axes_of(figure)
    assert figure.get_facecolor() == axes.get_facecolor() == (1, 1, 1, 1)
    for text in (axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()):
        assert np.mean(mpl.colors.to_rgb(text.get_color())) < 0.5
    for text in axes.get_legend().get_texts():
        assert np.mean(mpl.colors.to_rgb(text.get_color())) < 0.5
    assert metadata["alt"].startswith("f: ") or metadata["alt"].startswith("f of 1,000,000 ")
    assert axes.get_xlabel()
    assert axes.get_ylabel() or kind == "compile"
    notes = "; bands: quartiles; hollow: noisy" if kind == "sizes" else ""
    assert f"some processor, 1 thread; cpnum 1, NumPy 2{notes}" == figure._supxlabel.get_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plot_is_drawn_into_given_axes(kind, quick_ceilings):
    axes = Figure().add_subplot(facecolor="yellow")
    assert bench(subject=SUBJECT).plot(kind, ax=axes) is axes
    assert lines(axes)
    assert axes.get_facecolor() == mpl.colors.to_rgba("yellow")
    assert axes.figure._supxlabel is None


def test_pyplot_is_not_loaded():
    code = (
        "import sys, numpy, cpnum; from cpnum import cpjit;"
        "cpnum.bench(cpjit(numpy.sqrt), numpy.ones(9), against=(), rounds=1).plot();"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    monkeypatch.delitem(sys.modules, "cpnum.compare.plots")
    monkeypatch.delattr(cpnum.compare, "plots")
    with pytest.raises(CpnumError) as refused:
        bench().plot()
    assert str(refused.value).endswith('write pip install "cpnum[notebook]"')


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "size"}, "kind is one of sizes, calls, compile, roofline, errors, not 'size'"),
        ({"kind": "calls", "relative_to": "NumPy"}, "the plot 'calls' has no option relative_to"),
        ({"kind": "sizes", "size": 100}, "the plot 'sizes' has no option size"),
    ],
)
def test_what_a_plot_has_not_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        bench().plot(**arguments)


def test_no_two_lines_look_alike():
    names = [CPNUM, NUMPY, "numexpr", "numba", "a", "b", "c"]
    styles = [style_of(name, names) for name in names]
    for column in zip(*styles, strict=True):
        assert len(set(map(str, column))) == 7
    assert style_of(CPNUM, ["x", CPNUM]) == styles[0]
    assert {each.color for each in styles} == set(COLOURS)


# -- by size ------------------------------------------------------------------------------------


def test_medians_and_quartiles_are_drawn_by_size():
    result = bench()
    axes = axes_of(result.plot())
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_ylabel() == "nanoseconds per element"
    assert list(lines(axes)) == result.names
    for name, line in lines(axes).items():
        expected = [1e9 * result.row(name, size).element for size in SIZES]
        np.testing.assert_allclose(line.get_xydata(), np.column_stack([SIZES, expected]))
    band = axes.collections[result.names.index(CPNUM)].get_paths()[0].vertices
    lower, upper = result.row(CPNUM, 100).timing.quartiles
    at = band[:, 0] == 100
    np.testing.assert_allclose(band[at, 1].min(), lower * 1e7)
    np.testing.assert_allclose(band[at, 1].max(), upper * 1e7)


def test_noisy_medians_have_hollow_markers():
    axes = axes_of(bench().plot())
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    points = [point for line in hollow for point in line.get_xydata().tolist()]
    assert points == [[100.0, pytest.approx(2.0)]]


def test_caches_are_marked_where_the_arrays_fill_them():
    axes = axes_of(bench().plot())
    assert texts(axes) == ["L1, 32 KB", "L2, 512 KB"]
    marks = {line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1}
    assert {2048, 32768} <= marks
    assert texts(axes_of(bench(work=None).plot())) == []


def test_speeds_are_multiples_of_another_ones():
    result = bench()
    axes = axes_of(result.plot(relative_to="NumPy"))
    assert axes.get_ylabel() == "times as fast as NumPy"
    np.testing.assert_allclose(lines(axes)[NUMPY].get_ydata(), 1.0)
    expected = [
        result.row(NUMPY, size).timing.median / result.row(CPNUM, size).timing.median
        for size in SIZES
    ]
    np.testing.assert_allclose(lines(axes)[CPNUM].get_ydata(), expected)
    with pytest.raises(KeyError, match="no row for jax"):
        result.plot(relative_to="jax")


def test_a_size_that_was_not_timed_is_left_out():
    rows = [*bench().rows]
    rows[2] = Row("mine", 100, 100, None, "", why="it is wrong")
    axes = axes_of(bench(rows=tuple(rows)).plot())
    assert lines(axes)["mine"].get_xdata().tolist() == [10_000, 1_000_000]
    none = (*(row for row in rows if row.name != "mine"), rows[2])
    assert "mine" not in lines(axes_of(bench(rows=none).plot()))


# -- by calls -----------------------------------------------------------------------------------


def test_total_times_cross_where_they_are_marked():
    result = bench()
    axes = axes_of(result.plot("calls", size=10_000))
    assert axes.get_title(loc="left").startswith("f of 10,000 elements: total time")
    calls = result.break_even(CPNUM, NUMPY, 10_000)
    assert f"cpnum overtakes NumPy\nat call {calls}" in texts(axes)
    others = result.break_even("mine", NUMPY, 10_000)
    assert f"mine overtakes NumPy\nat call {others:,}" in texts(axes)
    assert len(texts(axes)) == 2  # and never cpnum
    assert axes.get_xlim()[1] > 10 * others
    first, last = lines(axes)["mine"].get_ydata()[[0, -1]]
    assert first == pytest.approx(result.total_seconds("mine", 1, 10_000))
    assert last == pytest.approx(result.total_seconds("mine", axes.get_xlim()[1], 10_000))


def test_being_ahead_from_the_first_call_on_is_said():
    first = {CPNUM: FirstCalls(samples(1e-6))}
    assert texts(axes_of(bench(first=first).plot("calls"))) == [
        "cpnum is ahead of NumPy from the first call on"
    ]


def test_who_may_be_faster_by_chance_overtakes_nobody():
    rows = [
        Row(name, 9, 9, samples(time, 0.3), "") for name, time in ((CPNUM, 1e-4), (NUMPY, 1.1e-4))
    ]
    assert texts(axes_of(bench(rows=tuple(rows)).plot("calls"))) == []


# -- by stage -----------------------------------------------------------------------------------


def test_stages_are_shares_that_make_up_the_whole():
    axes = axes_of(bench().plot("compile"))
    ends = [patch.get_x() + patch.get_width() for patch in axes.patches]
    assert max(ends) == pytest.approx(100)
    widths = {}
    for label, bars in lines(axes).items():
        name, _, times = label.partition(": ")
        widths[name] = [bar.get_width() for bar in bars], times
    again, cold = widths["reading the pack"][0]
    assert (again, cold) == (0, pytest.approx(100 * 2.5 / 3.0))
    assert widths["trace"] == (
        [pytest.approx(25), pytest.approx(100 * 0.1 / 3.0)], "100 µs / 100 µs",
    )  # fmt: skip
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "made again\n400 µs", "cold\n3.00 ms",
    ]  # fmt: skip
    assert "the call itself: 190 µs / 40.0 µs" in lines(axes)


def test_the_stages_that_are_drawn_are_those_of_a_kernel():
    kernel = cpjit(np.sqrt).lower(np.ones(3))
    assert {*kernel.seconds, "pack", "place"} == {*plots._STAGES} - {"the call itself"}
    colours = [colour for colour, _ in plots._STAGES.values()]
    assert len({*colours}) == len(colours)
    assert colours[-1] == LIGHT


def test_without_a_compiled_function_there_are_no_stages():
    with pytest.raises(CpnumError, match="nothing was compiled"):
        bench(first={}).plot("compile")


# -- roofline and errors ------------------------------------------------------------------------


def test_points_are_below_the_ceilings(quick_ceilings):
    result = bench(subject=SUBJECT)
    axes = axes_of(result.plot("roofline"))
    found = lines(axes)
    assert list(found) == ["L1, 80 GB/s", "memory, 10 GB/s", "peak, 30·10⁹ operations/s", CPNUM]
    x, y = found["memory, 10 GB/s"].get_data()
    np.testing.assert_allclose(y, np.multiply(x, 10))
    assert y[-1] == pytest.approx(30)
    points = found[CPNUM].get_xydata()
    np.testing.assert_allclose(points[:, 0], 4 / 16)
    expected = [4 / result.row(CPNUM, size).element / 1e9 for size in SIZES]
    np.testing.assert_allclose(points[:, 1], expected)
    assert texts(axes) == ["100 elements", "10,000 to 1,000,000 elements"]


def test_a_roofline_needs_operations(quick_ceilings):
    with pytest.raises(CpnumError, match="a roofline needs a compiled function with operations"):
        bench(subject=SUBJECT, work=Work(16, 0, "float64")).plot("roofline")


@runs
def test_errors_are_drawn_over_the_argument():
    axes = axes_of(bench(subject=SUBJECT).plot("errors"))
    numpy, compiled = lines(axes)
    assert numpy.startswith("NumPy, at most 0.")
    assert compiled.startswith("cpnum, at most 0.")
    x, y = lines(axes)[compiled].get_data()
    np.testing.assert_array_equal(x, SUBJECT[1].arguments[0])
    assert 0 < max(y) <= 0.5
    assert axes.get_xlabel() == "x0"


@runs
def test_a_real_bench_is_drawn():
    f = cpjit(lambda x: np.sqrt(x) * 2)
    result = cpnum.bench(f, np.ones(9), sizes=[100, 3000], against=(), rounds=3)
    for kind in ("sizes", "calls", "compile", "errors"):
        file = io.BytesIO()
        result.plot(kind).savefig(file, format="png")
        assert 10_000 < len(file.getvalue()) < 150_000


@runs
def test_the_pictures_of_the_documentation_are_drawn(tmp_path, capsys):
    pictures.main(["--quick", "--into", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.png", "sizes.png", "sum.png"]
    assert all(10_000 < path.stat().st_size < 150_000 for path in tmp_path.iterdir())
    assert "haversine(lat1: f64[:]" in capsys.readouterr().out
