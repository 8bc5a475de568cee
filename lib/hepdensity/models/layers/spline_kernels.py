"""Single-precision rational-quadratic spline kernels for the CPU, compiled by numba.

The feature is the first axis of all arrays: logits ``(n_features, 3 * bins + 1, n_events)`` and
coordinates ``(n_features, n_events)``. Events are the fastest index, so every inner loop below runs
over a block of events and is compiled to vector instructions. Exponential and logarithm are
polynomials for the same reason, because a call of libm would prevent vectorisation. The relative
accuracy is a few 1e-7.

The formulas are documented in :mod:`hepdensity.models.layers.spline`. Everything is in one file,
because numba's cache checks only the time stamp of the file of a function.
"""

from typing import Any

import numba
import numpy as np

_BLOCK = 128
_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_LOG2_E, _LN_2 = np.float32(1.4426950408889634), np.float32(0.6931471805599453)
_LOWEST = np.float32(-126)
_MANTISSA, _BIAS = np.int32(0x007FFFFF), np.int32(127)
_EXPONENT_UNIT = np.int32(1 << 23)
# Minimax polynomial of 2**f on [0, 1): relative error 2e-7.
_P5, _P4, _P3 = np.float32(1.8775767e-3), np.float32(8.9893397e-3), np.float32(5.5826318e-2)
_P2, _P1, _P0 = np.float32(2.4015361e-1), np.float32(6.9315308e-1), np.float32(9.9999994e-1)
# NaN must survive, or a diverged training would go unnoticed; hence no "nnan" here.
_SETTINGS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "arcp", "nsz", "afn"},
    # Checks for division by zero would prevent vectorisation.
    "error_model": "numpy",
}
_compile: Any = numba.njit(cache=True, **_SETTINGS)
# Pieces are inlined into each kernel. As separate functions, they gave results that differed in the
# last bit between the process that compiled them and processes that loaded them from the cache.
_piece: Any = numba.njit(inline="always", **_SETTINGS)

Array = np.ndarray
# Rows of the scratch array for a block of events: coordinate; index, left edge and size of its bin
# in x and z; slope logits, slopes and their derivatives; a reused sum; gradients.
_X, _INDEX, _XK, _WK, _YK, _HK, _U0, _U1, _D0, _D1, _SLOPE0, _SLOPE1, _TOTAL = range(13)
_GZ, _GL, _G_EDGE, _G_WIDTH, _G_HEIGHT = range(13, 18)
_ROWS = 18


@_piece
def _exp(values: Array, bits: Array, scale: Array) -> None:
    """Exponential of one block in place; ``scale`` is the float view of ``bits``."""
    for i in range(_BLOCK):
        t = values[i] * _LOG2_E
        t = _LOWEST if t < _LOWEST else t
        whole = np.floor(t)
        f = t - whole
        bits[i] = (np.int32(whole) + _BIAS) * _EXPONENT_UNIT
        values[i] = ((((_P5 * f + _P4) * f + _P3) * f + _P2) * f + _P1) * f + _P0
    for i in range(_BLOCK):
        values[i] *= scale[i]


@_piece
def _log(values: Array, bits: Array, scale: Array) -> None:
    """Logarithm of positive normal numbers in place, from the atanh series about one."""
    for i in range(_BLOCK):
        scale[i] = values[i]
    for i in range(_BLOCK):
        # Shift by 1/sqrt(2) in the bit pattern so that the mantissa lies in [0.707, 1.414).
        shifted = bits[i] - np.int32(0x3F3504F3)
        exponent = shifted >> np.int32(23)
        bits[i] = (shifted & _MANTISSA) + np.int32(0x3F3504F3)
        values[i] = np.float32(exponent) * _LN_2
    for i in range(_BLOCK):
        s = (scale[i] - _ONE) / (scale[i] + _ONE)
        s2 = s * s
        series = ((np.float32(1 / 9) * s2 + np.float32(1 / 7)) * s2 + np.float32(1 / 5)) * s2
        values[i] += _TWO * s * ((series + np.float32(1 / 3)) * s2 + _ONE)


@_piece
def _softmax_numerators(
    logits: Array,
    first: int,
    bins: int,
    start: int,
    stop: int,
    out: Array,
    total: Array,
    bits: Array,
    scale: Array,
) -> None:
    """out[j] = exp(logits[first + j] - max), total = their sum, for events start..stop."""
    n = stop - start
    top = np.empty(_BLOCK, np.float32)
    for i in range(_BLOCK):
        top[i] = np.float32(0)
        total[i] = np.float32(0)
    for i in range(n):
        top[i] = logits[first, start + i]
    for j in range(1, bins):
        row = logits[first + j, start:stop]
        for i in range(n):
            top[i] = row[i] if row[i] > top[i] else top[i]
    for j in range(bins):
        row = logits[first + j, start:stop]
        values = out[j]
        for i in range(n):
            values[i] = row[i] - top[i]
        _exp(values, bits, scale)
        for i in range(_BLOCK):
            total[i] += values[i]


@_piece
def _scale_to_bins(numerators: Array, total: Array, bins: int, smallest: np.float32) -> None:
    """Bin sizes in place: smallest + (1 - bins * smallest) * softmax."""
    for i in range(_BLOCK):
        total[i] = (_ONE - np.float32(bins) * smallest) / total[i]
    for j in range(bins):
        row = numerators[j]
        for i in range(_BLOCK):
            row[i] = smallest + total[i] * row[i]


@_piece
def _locate(sizes: Array, bins: int, x: Array, index: Array, edge: Array, size: Array) -> None:
    """Bin of ``x`` among ``sizes``: its index, left edge and size."""
    cumulated = np.zeros(_BLOCK, np.float32)
    for i in range(_BLOCK):
        index[i] = np.float32(0)
        edge[i] = np.float32(0)
        size[i] = sizes[0, i]
    for j in range(1, bins):
        last, row = sizes[j - 1], sizes[j]
        for i in range(_BLOCK):
            cumulated[i] += last[i]
        position = np.float32(j)
        for i in range(_BLOCK):
            old = index[i]
            index[i] = position if x[i] >= cumulated[i] else old
        for i in range(_BLOCK):
            new, old = cumulated[i], edge[i]
            edge[i] = new if x[i] >= new else old
        for i in range(_BLOCK):
            new, old = row[i], size[i]
            size[i] = new if x[i] >= cumulated[i] else old


@_piece
def _select(sizes: Array, bins: int, index: Array, edge: Array, size: Array) -> None:
    """Left edge and size of bin ``index``."""
    for i in range(_BLOCK):
        edge[i] = np.float32(0)
    for j in range(bins):
        row = sizes[j]
        position = np.float32(j)
        for i in range(_BLOCK):
            passed = row[i]
            edge[i] += passed if position < index[i] else np.float32(0)
        for i in range(_BLOCK):
            new, old = row[i], size[i]
            size[i] = new if index[i] == position else old


@_piece
def _slopes(
    logits: Array, bins: int, start: int, stop: int, index: Array, lower: Array, upper: Array
) -> None:
    """Derivative logits at the two knots of bin ``index``."""
    n = stop - start
    for i in range(_BLOCK):
        lower[i] = np.float32(0)
        upper[i] = np.float32(0)
    for i in range(n):
        knot = 2 * bins + np.int64(index[i])
        lower[i] = logits[knot, start + i]
        upper[i] = logits[knot + 1, start + i]


@_piece
def _softplus(
    logit: Array, smallest: np.float32, out: Array, slope: Array, bits: Array, scale: Array
) -> None:
    """``out`` = smallest + softplus(logit), ``slope`` = its derivative."""
    series = np.empty(_BLOCK, np.float32)
    for i in range(_BLOCK):
        out[i] = -abs(logit[i])
    _exp(out, bits, scale)
    for i in range(_BLOCK):
        inverse = _ONE / (_ONE + out[i])
        t, given = out[i], logit[i]
        slope[i] = inverse if given >= np.float32(0) else t * inverse
        # Computing 1 + t would lose digits of a small t.
        series[i] = t * (_ONE - t * (_HALF - t * np.float32(1 / 3)))
        out[i] += _ONE
    _log(out, bits, scale)
    for i in range(_BLOCK):
        expansion, logarithm, given = series[i], out[i], logit[i]
        value = expansion if expansion < np.float32(0.01) else logarithm
        out[i] = smallest + value + (given if given > np.float32(0) else np.float32(0))


@_piece
def _softmax_gradient(
    sizes: Array,
    bins: int,
    smallest: np.float32,
    index: Array,
    before: Array,
    here: Array,
    edge: Array,
    size: Array,
    target: Array,
    start: int,
    n: int,
) -> None:
    """Gradient of the logits, given gradients ``before`` of bins below ``index`` and ``here``."""
    span = _ONE - np.float32(bins) * smallest
    mean = np.empty(_BLOCK, np.float32)
    for i in range(_BLOCK):
        below = edge[i] - index[i] * smallest
        mean[i] = (before[i] * below + here[i] * (size[i] - smallest)) / span
    for j in range(bins):
        row = sizes[j]
        position = np.float32(j)
        out = target[j, start : start + n]
        for i in range(n):
            below, at = before[i], here[i]
            gradient = below if position < index[i] else np.float32(0)
            gradient = at if position == index[i] else gradient
            out[i] = (row[i] - smallest) * (gradient - mean[i])


@_piece
def _find_bins(
    logits: Array,
    bins: int,
    smallest: np.float32,
    start: int,
    stop: int,
    by_height: bool,
    widths: Array,
    heights: Array,
    rows: Array,
    bits: Array,
) -> None:
    """Fill ``rows`` with the bins of the coordinates in ``rows[_X]`` of one feature."""
    scale = bits.view(np.float32)
    _softmax_numerators(logits, 0, bins, start, stop, widths, rows[_TOTAL], bits, scale)
    _scale_to_bins(widths, rows[_TOTAL], bins, smallest)
    _softmax_numerators(logits, bins, bins, start, stop, heights, rows[_TOTAL], bits, scale)
    _scale_to_bins(heights, rows[_TOTAL], bins, smallest)
    if by_height:
        _locate(heights, bins, rows[_X], rows[_INDEX], rows[_YK], rows[_HK])
        _select(widths, bins, rows[_INDEX], rows[_XK], rows[_WK])
    else:
        _locate(widths, bins, rows[_X], rows[_INDEX], rows[_XK], rows[_WK])
        _select(heights, bins, rows[_INDEX], rows[_YK], rows[_HK])
    _slopes(logits, bins, start, stop, rows[_INDEX], rows[_U0], rows[_U1])


@_piece
def _read(values: Array, start: int, stop: int, out: Array) -> None:
    for i in range(stop - start):
        out[i] = values[start + i]


@_piece
def _write(
    given: Array, mapped: Array, log_arg: Array, start: int, stop: int, out: Array, log_slope: Array
) -> None:
    """Write a block; coordinates outside [0, 1] do not change."""
    for i in range(stop - start):
        inside = (given[i] >= np.float32(0)) and (given[i] <= _ONE)
        value = mapped[i] if mapped[i] < _ONE else _ONE
        slope = log_arg[i]
        # NaN logits give NaN here, which the comparison and the polynomials would lose.
        if mapped[i] != mapped[i]:
            value = slope = mapped[i]
        out[start + i] = value if inside else given[i]
        log_slope[start + i] = slope if inside else np.float32(0)


@_compile
def inverse_kernel(
    logits: Array,
    x: Array,
    bins: int,
    smallest_bin: np.float32,
    smallest_slope: np.float32,
    z: Array,
    log_slope: Array,
) -> None:
    """Spline x -> z and log dz/dx; coordinates outside [0, 1] do not change."""
    features, _, events = logits.shape
    bits = np.empty(_BLOCK, np.int32)
    scale = bits.view(np.float32)
    widths = np.zeros((bins, _BLOCK), np.float32)
    heights = np.zeros((bins, _BLOCK), np.float32)
    rows = np.zeros((_ROWS, _BLOCK), np.float32)
    xb, xk, wk, yk, hk = rows[_X], rows[_XK], rows[_WK], rows[_YK], rows[_HK]
    d0, d1, log_arg = rows[_D0], rows[_D1], rows[_TOTAL]
    for d in range(features):
        for start in range(0, events, _BLOCK):
            stop = min(start + _BLOCK, events)
            _read(x[d], start, stop, xb)
            _find_bins(
                logits[d], bins, smallest_bin, start, stop, False, widths, heights, rows, bits
            )
            _softplus(rows[_U0], smallest_slope, d0, rows[_SLOPE0], bits, scale)
            _softplus(rows[_U1], smallest_slope, d1, rows[_SLOPE1], bits, scale)
            for i in range(_BLOCK):
                theta = (xb[i] - xk[i]) / wk[i]
                rest = _ONE - theta
                t = theta * rest
                s = hk[i] / wk[i]
                numerator = s * theta * theta + d0[i] * t
                denominator = s + (d1[i] + d0[i] - _TWO * s) * t
                q = d1[i] * theta * theta + _TWO * s * t + d0[i] * rest * rest
                ratio = s / denominator
                log_arg[i] = ratio * ratio * q
                yk[i] += hk[i] * numerator / denominator
            _log(log_arg, bits, scale)
            _write(xb, yk, log_arg, start, stop, z[d], log_slope[d])


@_compile
def forward_kernel(
    logits: Array,
    z: Array,
    bins: int,
    smallest_bin: np.float32,
    smallest_slope: np.float32,
    x: Array,
    log_slope: Array,
) -> None:
    """Inverse function z -> x and log dz/dx at x; coordinates outside [0, 1] do not change."""
    features, _, events = logits.shape
    bits = np.empty(_BLOCK, np.int32)
    scale = bits.view(np.float32)
    widths = np.zeros((bins, _BLOCK), np.float32)
    heights = np.zeros((bins, _BLOCK), np.float32)
    rows = np.zeros((_ROWS, _BLOCK), np.float32)
    zb, xk, wk, yk, hk = rows[_X], rows[_XK], rows[_WK], rows[_YK], rows[_HK]
    d0, d1, log_arg = rows[_D0], rows[_D1], rows[_TOTAL]
    for d in range(features):
        for start in range(0, events, _BLOCK):
            stop = min(start + _BLOCK, events)
            _read(z[d], start, stop, zb)
            _find_bins(
                logits[d], bins, smallest_bin, start, stop, True, widths, heights, rows, bits
            )
            _softplus(rows[_U0], smallest_slope, d0, rows[_SLOPE0], bits, scale)
            _softplus(rows[_U1], smallest_slope, d1, rows[_SLOPE1], bits, scale)
            for i in range(_BLOCK):
                s = hk[i] / wk[i]
                rise = zb[i] - yk[i]
                bend = d0[i] + d1[i] - _TWO * s
                b = hk[i] * d0[i] - rise * bend
                c = -s * rise
                discriminant = b * b - np.float32(4) * (rise * bend + hk[i] * (s - d0[i])) * c
                discriminant = np.float32(0) if discriminant < np.float32(0) else discriminant
                # Since c <= 0, there is no cancellation in this root of the quadratic.
                theta = _TWO * c / (-b - np.sqrt(discriminant))
                theta = _ONE if theta > _ONE else theta
                rest = _ONE - theta
                t = theta * rest
                ratio = s / (s + bend * t)
                q = d1[i] * theta * theta + _TWO * s * t + d0[i] * rest * rest
                log_arg[i] = ratio * ratio * q
                xk[i] += theta * wk[i]
            _log(log_arg, bits, scale)
            _write(zb, xk, log_arg, start, stop, x[d], log_slope[d])


@_piece
def _bin_gradients(rows: Array) -> None:
    """Gradients for edge, width, height and slope logits from those for z and log dz/dx."""
    xb, xk, wk, hk, d0, d1 = rows[_X], rows[_XK], rows[_WK], rows[_HK], rows[_D0], rows[_D1]
    gz, gl, slope0, slope1 = rows[_GZ], rows[_GL], rows[_SLOPE0], rows[_SLOPE1]
    g_edge, g_width, g_height = rows[_G_EDGE], rows[_G_WIDTH], rows[_G_HEIGHT]
    for i in range(_BLOCK):
        w = wk[i]
        h = hk[i]
        theta = (xb[i] - xk[i]) / w
        rest = _ONE - theta
        t = theta * rest
        tilt = _ONE - _TWO * theta
        flat = _ONE - _TWO * t
        s = h / w
        bend = d1[i] + d0[i] - _TWO * s
        a = s * theta * theta + d0[i] * t
        inv = _ONE / (s + bend * t)
        q = d1[i] * theta * theta + _TWO * s * t + d0[i] * rest * rest
        inv_q = _ONE / q
        # With den = s + bend t, z = y_k + h a / den and log dz/dx = 2 log s + log q - 2 log den.
        # Compute the derivatives for theta, s, d_0 and d_1, then apply the chain rule to the bin.
        pull = gz[i] * h * inv
        a_theta = _TWO * s * theta + d0[i] * tilt
        q_theta = _TWO * (d1[i] * theta + s * tilt - d0[i] * rest)
        g_theta = pull * (a_theta - a * bend * tilt * inv)
        g_theta += gl[i] * (q_theta * inv_q - _TWO * bend * tilt * inv)
        g_s = pull * (theta * theta - a * flat * inv)
        g_s += gl[i] * _TWO * (_ONE / s + t * inv_q - flat * inv)
        common = pull * a * t * inv + gl[i] * _TWO * t * inv
        slope0[i] *= pull * t + gl[i] * rest * rest * inv_q - common
        slope1[i] *= gl[i] * theta * theta * inv_q - common
        g_edge[i] = -g_theta / w
        g_width[i] = -(g_theta * theta + g_s * s) / w
        g_height[i] = gz[i] * a * inv + g_s / w


@_compile
def inverse_gradient_kernel(
    logits: Array,
    x: Array,
    bins: int,
    smallest_bin: np.float32,
    smallest_slope: np.float32,
    grad_z: Array,
    grad_log_slope: Array,
    grad_logits: Array,
    grad_x: Array,
) -> None:
    """Gradients of ``inverse_kernel`` with respect to logits and coordinates."""
    features, _, events = logits.shape
    bits = np.empty(_BLOCK, np.int32)
    scale = bits.view(np.float32)
    widths = np.zeros((bins, _BLOCK), np.float32)
    heights = np.zeros((bins, _BLOCK), np.float32)
    rows = np.zeros((_ROWS, _BLOCK), np.float32)
    xb, gz, gl, index = rows[_X], rows[_GZ], rows[_GL], rows[_INDEX]
    slope0, slope1, g_edge = rows[_SLOPE0], rows[_SLOPE1], rows[_G_EDGE]
    for d in range(features):
        for start in range(0, events, _BLOCK):
            stop = min(start + _BLOCK, events)
            n = stop - start
            _read(x[d], start, stop, xb)
            for i in range(n):
                given = xb[i]
                inside = (given >= np.float32(0)) and (given <= _ONE)
                gz[i] = grad_z[d, start + i] if inside else np.float32(0)
                gl[i] = grad_log_slope[start + i] if inside else np.float32(0)
                # A NaN (dropped) coordinate would give NaN even if multiplied by zero.
                xb[i] = given if inside else _HALF
            _find_bins(
                logits[d], bins, smallest_bin, start, stop, False, widths, heights, rows, bits
            )
            _softplus(rows[_U0], smallest_slope, rows[_D0], slope0, bits, scale)
            _softplus(rows[_U1], smallest_slope, rows[_D1], slope1, bits, scale)
            _bin_gradients(rows)
            for i in range(n):
                inside = (x[d, start + i] >= np.float32(0)) and (x[d, start + i] <= _ONE)
                grad_x[d, start + i] = -g_edge[i] if inside else grad_z[d, start + i]
            target = grad_logits[d]
            _softmax_gradient(
                widths, bins, smallest_bin, index, g_edge, rows[_G_WIDTH], rows[_XK], rows[_WK],
                target, start, n,
            )  # fmt: skip
            _softmax_gradient(
                heights, bins, smallest_bin, index, gz, rows[_G_HEIGHT], rows[_YK], rows[_HK],
                target[bins:], start, n,
            )  # fmt: skip
            for j in range(bins + 1):
                out = target[2 * bins + j, start:stop]
                position = np.float32(j)
                for i in range(n):
                    lower, upper = slope0[i], slope1[i]
                    value = lower if position == index[i] else np.float32(0)
                    out[i] = upper if position == index[i] + _ONE else value
