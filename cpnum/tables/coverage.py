"""The names of NumPy and SciPy that are no rows of other tables: why they are refused, or harmless.

`docs/coverage.md` is made from these tables and from those of the tracer; a test looks at every
public name of `numpy` and of arrays.

>>> WHY["unique"], CALLED["mean"]
('its shape depends on contents', 'reductions')
"""

from __future__ import annotations

# Functions of whole arrays whose results have shapes that no contents decide: a program calls
# NumPy's own, between its loops.
CALLS = {
    "reductions": """
        all allclose amax amin any argmax argmin array_equal array_equiv average count_nonzero
        cumprod cumsum cumulative_prod cumulative_sum max mean median min nanargmax nanargmin
        nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile
        nanstd nansum nanvar percentile prod ptp quantile std sum trapezoid unwrap var""",
    "products of matrices": """
        convolve corrcoef correlate cov dot einsum inner kron matmul matvec tensordot trace vdot
        vecdot vecmat""",
    "polynomials": "polyfit poly polyadd polysub polymul polyder polyint vander",
    "elements by their indices": "take take_along_axis choose diag diagflat diagonal",
    "sorting and searching": """
        argpartition argsort digitize histogram histogram2d histogram_bin_edges interp isin lexsort
        partition searchsorted sort""",
}
CALLS_OF_MODULES = {
    "linalg": """
        cholesky cond cross det eigh eigvalsh inv lstsq matmul matrix_norm matrix_power matrix_rank
        multi_dot norm outer pinv qr slogdet solve svd svdvals tensordot tensorinv tensorsolve trace
        vecdot vector_norm""",
    "fft": "fftfreq rfftfreq fftshift ifftshift irfft hfft irfft2 irfftn",
}
CALLED_METHODS = """
    all any argmax argmin argpartition argsort choose cumprod cumsum diagonal dot max mean min prod
    searchsorted std sum take trace var""".split()

# Functions and methods that write to the array that is their first argument.
CHANGING = "fill_diagonal put put_along_axis".split()
CHANGING_METHODS = "partition put sort".split()

# The reason why a function cannot be traced -> the functions of `numpy`.
REFUSED = {
    "it calls another function": "apply_along_axis apply_over_axes",
    "linear algebra is not supported yet": "roots polydiv einsum_path",
    "indexing with arrays is not supported yet": "compress",
    "its shape depends on contents": """
        argwhere flatnonzero nonzero trim_zeros intersect1d setdiff1d setxor1d union1d unique
        unique_all unique_counts unique_inverse unique_values""",
    "its result has other dtypes or shapes than cpnum knows": "bincount histogramdd sort_complex",
    "it reads the contents at once": """
        bmat c_ r_
        array2string array_repr array_str asarray_chkfinite asmatrix base_repr binary_repr
        common_type format_float_positional format_float_scientific from_dlpack frombuffer
        fromfile fromfunction fromiter fromregex fromstring frompyfunc genfromtxt isfortran ix_
        load loadtxt may_share_memory min_scalar_type nested_iters packbits ravel_multi_index
        require save savetxt savez savez_compressed shares_memory unpackbits unravel_index
        can_cast broadcast iterable ndenumerate ndindex nditer vectorize i0""",
    "there are no dates": """
        busday_count busday_offset datetime_as_string datetime_data is_busday isnat""",
}

# Names that have to do with no traced value: NumPy itself answers while a function is traced.
AT_ONCE = {
    "numbers and indices": """
        False_ ScalarType True_ e euler_gamma index_exp inf little_endian nan newaxis pi s_
        sctypeDict typecodes""",
    "questions about dtypes and shapes": """
        broadcast_shapes isdtype isscalar issubdtype mintypecode promote_types typename""",
    "indices of the elements of arrays": """
        diag_indices_from mask_indices tril_indices_from triu_indices_from""",
    "settings and texts about NumPy": """
        get_include get_printoptions getbufsize geterr geterrcall info printoptions
        set_printoptions setbufsize seterr seterrcall show_config show_runtime test""",
    "names that NumPy drops": "in1d row_stack trapz",
}

# The modules of NumPy whose functions cannot be traced -> the reason.
REFUSED_MODULES = {
    "numpy.linalg": "its results may be complex numbers, which are not supported yet",
    "numpy.fft": "complex numbers are not supported yet",
    "numpy.strings": "there are no texts",
}

# The reason why an attribute or a method of arrays cannot be traced.
REFUSED_OF_ARRAYS = {
    "indexing with arrays is not supported yet": "compress setfield",
    "its shape depends on contents": "nonzero",
    "it reads the contents at once": """
        dump dumps item to_device tobytes tofile tolist""",
    "it is no method of the newest arrays": "ptp",
    "it is about memory": """
        base byteswap ctypes data flags flat getfield itemset newbyteorder resize setflags strides
        view""",
}


# A function of `scipy.special` that has no row -> its definition in operators, where it is finite.
# The operands have the names of SciPy's documentation.
INSTEAD_OF_SCIPY = {
    "boxcox": "np.where(lmbda == 0, np.log(x), np.expm1(lmbda * np.log(x)) / lmbda)",
    "boxcox1p": "np.where(lmbda == 0, np.log1p(x), np.expm1(lmbda * np.log1p(x)) / lmbda)",
    "cosm1": "-2 * np.sin(x / 2) ** 2",
    "entr": "np.where(x == 0, 0.0, np.where(x < 0, -np.inf, -x * np.log(x)))",
    "exp10": "10.0**x",
    "exprel": "np.where((x == 0) | (x == np.inf), np.exp(x), np.expm1(x) / x)",
    "huber": "np.where(np.abs(r) <= delta, 0.5 * r * r, delta * (np.abs(r) - 0.5 * delta))",
    "inv_boxcox": "np.where(lmbda == 0, np.exp(x), np.exp(np.log1p(lmbda * x) / lmbda))",
    "inv_boxcox1p": "np.where(lmbda == 0, np.expm1(x), np.expm1(np.log1p(lmbda * x) / lmbda))",
    "kl_div": "np.where(x == 0, y, x * np.log(x / y) - x + y)",
    "log_expit": "-np.logaddexp(0, -x)",
    "ndtr": "0.5 * erfc(-x * 0.5**0.5)",
    "pseudo_huber": "delta**2 * np.expm1(0.5 * np.log1p((r / delta) ** 2))",
    "radian": "np.radians(d + m / 60 + s / 3600)",
    "rel_entr": "np.where(x == 0, 0.0, x * np.log(x / y))",
    "round": "np.rint(x)",
    "xlog1py": "np.where(x == 0, 0.0, x * np.log1p(y))",
    "xlogy": "np.where(x == 0, 0.0, x * np.log(y))",
}


def _by_name(groups: dict[str, str]) -> dict[str, str]:
    return {name: reason for reason, names in groups.items() for name in names.split()}


CALLED = _by_name(CALLS)
WHY = _by_name(REFUSED)
WHY_OF_ARRAYS = _by_name(REFUSED_OF_ARRAYS)
ANSWERED_AT_ONCE = _by_name(AT_ONCE)
