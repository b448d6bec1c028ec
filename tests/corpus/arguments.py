"""Arguments of functions, made from the names of their parameters."""

from __future__ import annotations

import inspect
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

# Elements of an array, and rows of one that holds points.
LENGTH = 64
ROWS = 16


@dataclass(frozen=True)
class Values:
    """Numbers of a range; `shape` is that of an array of them."""

    low: float
    high: float
    shape: tuple[int, ...] = (LENGTH,)
    whole: bool = False

    def array(self, random: np.random.Generator) -> np.ndarray:
        if self.whole:
            return random.integers(int(self.low), int(self.high) + 1, self.shape)
        return random.uniform(self.low, self.high, self.shape)

    def number(self, random: np.random.Generator) -> object:
        """Return a Python number, or a point if the range is of points."""
        if self.shape == (LENGTH,):
            return self.array(random)[0].item()
        return self.array(random)[0] if self.shape[0] == ROWS else self.array(random)


@dataclass(frozen=True)
class Rotation:
    """Matrices of a rotation about the third axis."""

    def array(self, random: np.random.Generator) -> np.ndarray:
        sine, cosine = np.sin(angle := random.uniform(-1.0, 1.0)), np.cos(angle)
        return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])

    number = array


@dataclass(frozen=True)
class Choice:
    """One object, in all calls: a flag, or a number that says how many."""

    value: object


Made = Values | Rotation
Kind = Made | Choice
Patterns = Iterable[tuple[str, Kind]]


def points(width: int, low: float, high: float) -> Values:
    return Values(low, high, (ROWS, width))


def vector(length: int, low: float = -1.0, high: float = 1.0) -> Values:
    return Values(low, high, (length,))


def whole(low: int, high: int) -> Values:
    return Values(low, high, whole=True)


# What a whole name means; the first row that fits is taken.  Units are the usual ones of the
# packages: degrees, hectopascals where a name is short, kelvins where it says so.
# fmt: off
PATTERNS: tuple[tuple[str, Kind], ...] = (
    # points of colours and of space
    (r"(XYZ|RGB|LMS|rgb|xyY|ICtCp|IPT|IHLS|UVW|JMh|Jpapbp|HSV|HSL|CMY|YCbCr|YCoCg|HCL|Iab|ICaCb|Izazbz|Jzazbz|"
     r"ProLab|Yrg|DIN99|hdr_IPT|hdr_CIELab|LCHab|LCHuv|hsv|hsl|Oklab|OSA|IgPgTg|YcCbcCrc|aRGB|bRGB|sRGB1|"
     r"sRGB1_linear|C_linear|C_srgb)(_\w+)?", points(3, 0.15, 0.9)),
    (r"(XYZ100|CIELab|CIELCh|Lab|Luv|Hunter_Lab|Jab)(_\w+)?", points(3, 5.0, 80.0)),
    (r"CMYK", points(4, 0.1, 0.9)),
    (r"(xy|uv|ij|CCT_D_uv|Luv_uv)(_\w+)?", points(2, 0.2, 0.45)),
    # places and angles
    (r"\w*[lL]at(itude)?(_\w+|\d|s)?|alpha_deg|\w*_lat", Values(-60.0, 60.0)),
    (r"\w*[lL]on(gitude)?(_\w+|\d|s)?|lng", Values(-170.0, 170.0)),
    (r"(geocentric_|solar_)?(declination|dec|dec_deg\w*|delta_sun)", Values(-23.0, 23.0)),
    (r"(apparent_|solar_)?(zenith|aoi|tilt|el|el_deg|elev_angle|elevation_angle)|"
     r"surface_tilt|axis_tilt|aoi_\w+|cross_axis_tilt|\w*zenith", Values(5.0, 80.0)),
    (r"(solar_|surface_|axis_)?azimuth|az|az_deg|Azim|heading|ra_deg\w*|hour_angle|\w*hour_angle|"
     r"\w*sidereal_time|\w*ascension", Values(1.0, 350.0)),
    (r"theta|phi|alpha|beta|psi|pitch|roll|yaw|angle\d?|angles|rotAngle\d|a[ijk]|\w*_rad(ians)?|"
     r"\w*radians|lat_rad|theta_\w|solar_time|omega|\w*angle", Values(-1.2, 1.2)),
    (r"cossza|cza|projection|cosine\w*|cos_\w+", Values(0.1, 0.95)),
    # heights and distances
    (r"h0?|h\d|alt0?|alt_\w+|altitude|height|elev|elevation|depth|dep", Values(1.0, 900.0)),
    (r"[xyz]_?ecef|ecef|distance|dist|rng|Rng|srange|slantRange|slant_height|range|[enud]\d?|east|north|up",
     Values(100.0, 9000.0)),
    # time
    (r"doy|dayofyear|day_of_year|datetime_or_doy|j", whole(1, 360)),
    (r"julian_ephemeris_(century|millennium)|jme|julian_century", Values(-0.2, 0.2)),
    (r"jd\w*|julian_\w*day|Jdate|j_?date", Values(2451000.0, 2452000.0)),
    (r"unixtime|timestamps?", Values(1.0e9, 1.6e9)),
    (r"year", whole(1990, 2020)),
    (r"month", whole(1, 12)),
    (r"day", whole(1, 28)),
    (r"hour|minute|second|microsecond|time_mid", whole(0, 23)),
    (r"delta_t|deltat", Values(50.0, 70.0)),
    # weather and radiation
    (r"\w*(_k|kelvin)|tk|t2m|temp_?k|temperature_K|TK|T90|Tk", Values(273.0, 310.0)),
    (r"temp\w*|\w*temperature\w*|tmean|t[acf]|tmin|ptmin|t_\w+|ta|tair|pt|dmt", Values(2.0, 30.0)),
    (r"tmax", Values(31.0, 40.0)),
    (r"pressure\w*|pres\w*|p_?air|pair|psurf", Values(900.0, 1020.0)),
    (r"\w*humidity\w*|rh|relhum|RH", Values(20.0, 95.0)),
    (r"\w*wind\w*|va|uz|u2|speed\w*|V[NED]", Values(0.5, 9.0)),
    (r"(ghi|dni|dhi|poa\w*|\w*irradiance|rs|rso|rn|ra|ssrd|ssr|strd|strr|fdir|solar|dsrp|rad)\w*",
     Values(50.0, 900.0)),
    (r"dni_extra|dni_clear|ghi_clear|I0", Values(1330.0, 1410.0)),
    (r"airmass\w*|am", Values(1.0, 5.0)),
    (r"precipitable_water|pw|pwat", Values(0.5, 4.0)),
    (r"(aod|bb|kd|kt|clearness|clearsky|gcr|albedo|fraction|cloud|severity|ratio)\w*",
     Values(0.1, 0.7)),
    # electricity
    (r"photocurrent|I_L(_\w+)?|IL|[iI]_?sc(_\w+)?|[iI]_?mp(_\w+)?|current", Values(3.0, 8.0)),
    (r"saturation_current|I_o(_\w+)?|I0", Values(1e-10, 1e-9)),
    (r"resistance_series|R_s|Rs", Values(0.1, 0.4)),
    (r"resistance_shunt|R_sh(_\w+)?|Rsh", Values(200.0, 900.0)),
    (r"nNsVth|a_ref", Values(1.0, 2.0)),
    (r"alpha_sc|gamma\w*|mu_gamma|beta_voc|mu", Values(0.001, 0.005)),
    (r"cells_in_series", Choice(60)),
    # the sea
    (r"s|salinity|SP|SA", Values(5.0, 38.0)),
    (r"t|T", Values(1.0, 28.0)),
    (r"pr|p0|pref|p", Values(10.0, 900.0)),
    # finance
    (r"rate|fv_rate|\w*_rate", Values(0.01, 0.09)),
    (r"nper", whole(10, 40)),
    (r"per", whole(1, 9)),
    # light
    (r"wavelengths?|wl|lambda_?|wvl", Values(380.0, 740.0)),
    (r"CCT\w*|Tcp|\w*colour_temperature", Values(4500.0, 9000.0)),
    (r"L_A\d?|Y|Y_\w+|L|V|J|M|Q|C|\w*log\w*|L_star", Values(10.0, 90.0)),
    (r"E|E_p|N|V_max|K_m|Lv|F_D|F_L|N_c\w*|p_\w", Values(0.2, 0.95)),
    # what is not an array
    (r"n_?bins|bins|order|deg|degree|numthreads|size|count|N_terms|level", Choice(4)),
    (r"in_\w+|out_\w+|is_\w+|use_\w+|normali[sz]ed?", Choice(True)),
    (r"bit_depth", Choice(10)),
    (r"method|kind|mode|name|fname|filename|path|cspace|unit|variable|var|op|func|function|fn",
     Choice(None)),
    (r".*", Values(0.1, 0.95)),
)
# fmt: on


def kind_of(name: str, patterns: Patterns = ()) -> Kind:
    """Return what a parameter stands for: the rows of a package come before those of all."""
    return next(
        kind for pattern, kind in (*patterns, *PATTERNS) if re.fullmatch(pattern, name) is not None
    )


def _arrays(index: int, kind: Made, random: np.random.Generator) -> object:
    return kind.array(random)


def _numbers(index: int, kind: Made, random: np.random.Generator) -> object:
    return kind.number(random)


def _first_array(index: int, kind: Made, random: np.random.Generator) -> object:
    return kind.number(random) if index else kind.array(random)


def _single(index: int, kind: Made, random: np.random.Generator) -> object:
    made = kind.array(random)
    return made.astype(np.float32) if made.dtype == np.float64 else made


def _grid(index: int, kind: Made, random: np.random.Generator) -> object:
    """Return a column of every second element, and rows: they broadcast."""
    made = kind.array(random)
    return made[::2, None] if index == 0 and made.shape == (LENGTH,) else made


# How the parameters of one call are filled.
WAYS: dict[str, Callable[[int, Made, np.random.Generator], object]] = {
    "arrays": _arrays,
    "float32": _single,
    "grid": _grid,
    "array, numbers": _first_array,
    "numbers": _numbers,
}


def arguments(
    parameters: Iterable[str], way: str, round_: int, patterns: Patterns = ()
) -> list[object]:
    """Return the arguments of a call; those of another round have other values, and like shapes.

    >>> [type(each).__name__ for each in arguments(["lat", "bins"], "arrays", 0)]
    ['ndarray', 'int']
    """
    made: list[object] = []
    for index, name in enumerate(parameters):
        kind = kind_of(name, patterns)
        random = np.random.default_rng([zlib.crc32(name.encode()), round_])
        made.append(kind.value if isinstance(kind, Choice) else WAYS[way](index, kind, random))
    return made


def form(arguments: Iterable[object]) -> tuple[object, ...]:
    """Return types, dtypes and shapes of arguments: two ways may fill a call alike."""
    return tuple((type(each), getattr(each, "dtype", None), np.shape(each)) for each in arguments)


def parameters_of(function: Callable[..., object]) -> list[str] | None:
    """Return the names that a call has to fill; None if they do not fit one call by position.

    Parameters that have a default keep it.
    """
    names = []
    for each in inspect.signature(function).parameters.values():
        if each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            continue
        if each.kind is each.KEYWORD_ONLY:
            return None
        names.append(each.name)
    return names
