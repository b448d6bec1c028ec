"""Formulas of physics, statistics and geometry, which SymPy writes as functions for NumPy."""

from __future__ import annotations

from collections.abc import Iterator

from .arguments import Kind, Values
from .packages import Case

# All symbols are positive numbers of about 1; t is less than 1.
PATTERNS: tuple[tuple[str, Kind], ...] = (
    (r"t|theta|phi", Values(0.05, 0.95)),
    (r"n|k", Values(1.1, 4.5)),
    (r".*", Values(0.3, 2.5)),
)

# A name, the symbols, and the expression in SymPy's own names.
# fmt: off
FORMULAS = (
    # physics
    ("pendulum", "g l", "2*pi*sqrt(l/g)"),
    ("pendulum_large", "g l theta", "2*pi*sqrt(l/g)*(1 + theta**2/16 + 11*theta**4/3072)"),
    ("free_fall", "h v g t", "h + v*t - g*t**2/2"),
    ("planck", "f T", "2*f**3/(exp(f/T) - 1)"),
    ("wien_derivative", "x", "diff(x**3/(exp(x) - 1), x)"),
    ("lorentz", "v", "1/sqrt(1 - (v/10)**2)"),
    ("relativistic_sum", "v w", "(v + w)/(1 + v*w/100)"),
    ("van_der_waals", "T V a b", "8*T/(3*V + b) - a/V**2"),
    ("maxwell_boltzmann", "v m T", "sqrt(2/pi)*(m/T)**Rational(3, 2)*v**2*exp(-m*v**2/(2*T))"),
    ("lennard_jones", "r s e", "4*e*((s/r)**12 - (s/r)**6)"),
    ("lennard_jones_force", "r s e", "-diff(4*e*((s/r)**12 - (s/r)**6), r)"),
    ("morse", "r d a b", "d*(1 - exp(-a*(r - b)))**2"),
    ("damped", "t a w phi", "a*exp(-t)*cos(w*t + phi)"),
    ("damped_speed", "t a w phi", "diff(a*exp(-t)*cos(w*t + phi), t)"),
    ("resonance", "w a b", "a/sqrt((a**2 - w**2)**2 + (b*w)**2)"),
    ("impedance", "R L C w", "sqrt(R**2 + (w*L - 1/(w*C))**2)"),
    ("phase", "R L C w", "atan2(w*L - 1/(w*C), R)"),
    ("fermi_dirac", "e m T", "1/(exp((e - m)/T) + 1)"),
    ("bose_einstein", "e T", "1/(exp(e/T) - 1)"),
    ("coth", "x", "coth(x) - 1/x"),
    ("hydrogen", "r theta", "r*exp(-r/2)*cos(theta)/(4*sqrt(2*pi))"),
    ("doppler", "f v", "f*sqrt((1 + v/10)/(1 - v/10))"),
    ("snell", "theta n", "asin(sin(theta)/n)"),
    ("fresnel", "theta n",
     "((cos(theta) - n*cos(asin(sin(theta)/n)))"
     "/(cos(theta) + n*cos(asin(sin(theta)/n))))**2"),
    ("kepler_step", "a t", "a - (a - t*sin(a) - 1)/(1 - t*cos(a))"),
    ("barometric", "h T", "101325*(1 - h/(44*T))**5.2559"),
    ("shockley", "v i n", "i*(exp(v/n) - 1)"),
    ("soliton", "x t a", "a/2*sech(sqrt(a)/2*(x - a*t))**2"),
    # statistics
    ("normal", "x mu sigma", "exp(-(x - mu)**2/(2*sigma**2))/(sigma*sqrt(2*pi))"),
    ("normal_log", "x mu sigma", "-log(sigma*sqrt(2*pi)) - (x - mu)**2/(2*sigma**2)"),
    ("lognormal", "x mu sigma", "exp(-(log(x) - mu)**2/(2*sigma**2))/(x*sigma*sqrt(2*pi))"),
    ("logistic", "x k a", "1/(1 + exp(-k*(x - a)))"),
    ("logistic_derivative", "x k a", "diff(1/(1 + exp(-k*(x - a))), x)"),
    ("cauchy", "x a b", "1/(pi*b*(1 + ((x - a)/b)**2))"),
    ("weibull", "x k a", "k/a*(x/a)**(k - 1)*exp(-(x/a)**k)"),
    ("gumbel", "x a b", "exp(-((x - a)/b + exp(-(x - a)/b)))/b"),
    ("laplace", "x a b", "exp(-Abs(x - a)/b)/(2*b)"),
    ("pareto", "x a b", "Piecewise((a*b**a/x**(a + 1), x >= b), (0, True))"),
    ("entropy", "t", "-t*log(t) - (1 - t)*log(1 - t)"),
    ("softplus", "x", "log(1 + exp(x))"),
    ("gelu", "x", "x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))"),
    # geometry
    ("heron", "a b c", "sqrt(((a + b)**2 - c**2)*(c**2 - (a - b)**2))/4"),
    ("haversine", "theta phi a b",
     "2*asin(sqrt(sin((phi - theta)/2)**2"
     " + cos(theta)*cos(phi)*sin((b - a)/2)**2))"),
    ("spherical", "r theta phi", "[r*sin(theta)*cos(phi), r*sin(theta)*sin(phi), r*cos(theta)]"),
    ("to_spherical", "x y z",
     "[sqrt(x**2 + y**2 + z**2), "
     "acos(z/sqrt(x**2 + y**2 + z**2)), atan2(y, x)]"),
    ("curvature", "t a b", "a*b/(a**2*sin(t)**2 + b**2*cos(t)**2)**Rational(3, 2)"),
    ("torus", "t phi a b", "((a + b*cos(t))*cos(phi), (a + b*cos(t))*sin(phi), b*sin(t))"),
    ("ellipse_perimeter", "a b", "pi*(3*(a + b) - sqrt((3*a + b)*(a + 3*b)))"),
    ("rosenbrock", "x y", "(1 - x)**2 + 100*(y - x**2)**2"),
    ("rosenbrock_gradient", "x y",
     "[diff((1 - x)**2 + 100*(y - x**2)**2, x), "
     "diff((1 - x)**2 + 100*(y - x**2)**2, y)]"),
    # conditions
    ("clamp", "x a b", "Max(a, Min(x, b))"),
    ("relu", "x", "Piecewise((x, x > 1), (0, True))"),
    ("three_pieces", "x", "Piecewise((x**2, x < 1), (2*x - 1, x < 2), (3, True))"),
    ("spline", "x", "Piecewise((1 - 6*x**2 + 6*x**3, x <= 1), (2*(1 - x)**3, x <= 2), (0, True))"),
    ("between", "x y",
     "Piecewise((x, And(x > 1, y < 2)), "
     "(y, Or(x < Rational(1, 2), y > 2)), (x*y, True))"),
    ("condition", "x y", "And(x > y, Not(Eq(x, 1)))"),
    ("heaviside", "x a", "Heaviside(x - a)*sin(x)"),
    ("sign", "x a", "sign(x - a)*sqrt(Abs(x - a))"),
    ("no_last_piece", "x", "Piecewise((log(x), x > 1))"),
    ("steps", "x", "floor(3*x) + ceiling(2*x) + Mod(x, 1)"),
    # other shapes of results and of functions
    ("constant", "x y", "pi"),
    ("constant_and_array", "x y", "[1, x*y]"),
    ("nested", "x y", "[[x, [y, x*y]], (x + y, 0)]"),
    ("rotation", "theta", "Matrix([[cos(theta), -sin(theta)], [sin(theta), cos(theta)]]).tolist()"),
    ("matrix", "x y", "Matrix([[x, y], [x*y, x/y]])"),
    ("determinant", "a b c x y z", "Matrix([[a, b, c], [x, y, z], [b, c, x]]).det()"),
    ("inverse", "a b x y", "(Matrix([[a, b], [x, y + 9]]).inv()).tolist()"),
    ("sum", "x", "Sum(x**Symbol('i')/factorial(Symbol('i')), (Symbol('i'), 0, 10))"),
    ("series", "x", "series(sin(x)/x, x, 0, 12).removeO()"),
    ("polynomial", "x", "horner(legendre(7, x))"),
    ("chebyshev", "x", "chebyshevt(9, x)"),
    ("roots", "a b c", "[(-b + sqrt(b**2 + 4*a*c))/(2*a), (-b - sqrt(b**2 + 4*a*c))/(2*a)]"),
    ("complex_power", "x y", "re((x + I*y)**3)"),
)
# fmt: on


def cases() -> Iterator[Case]:
    """Yield each formula, as it is and with its common parts computed once."""
    import sympy  # an extra that tests do without

    for name, symbols, text in FORMULAS:
        names = sympy.symbols(symbols.replace(" ", ","), positive=True, seq=True)
        known = {str(each): each for each in names}
        expression = sympy.sympify(text, locals=known)
        for cse in (False, True):
            function = sympy.lambdify(names, expression, modules="numpy", cse=cse)
            yield Case(f"{name}, cse" if cse else name, function, PATTERNS)
