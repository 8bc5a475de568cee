"""Single-precision rational-quadratic spline kernels for the CPU, compiled by numba.

All arrays are feature first: logits ``(n_features, 3 * bins + 1, n_events)`` and coordinates
``(n_features, n_events)``. Events are the fastest index, so every inner loop below runs over a block
of events and is turned into vector instructions; exponential and logarithm are polynomials for the
same reason (a call into libm would end the vectorisation). Relative accuracy is a few 1e-7.

The formulas are those of :mod:`hepdensity.models.layers.spline`, which documents them.
"""

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
# NaN has to survive, or a diverged training would go unnoticed: no "nnan" here.
_FAST = {"reassoc", "contract", "arcp", "nsz", "afn"}


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _exp(values, bits, scale):
    """values <- exp(values) in place, for one block; ``scale`` is the float view of ``bits``."""
    for i in range(_BLOCK):
        t = values[i] * _LOG2_E
        t = _LOWEST if t < _LOWEST else t
        whole = np.floor(t)
        f = t - whole
        bits[i] = (np.int32(whole) + _BIAS) * _EXPONENT_UNIT
        values[i] = ((((_P5 * f + _P4) * f + _P3) * f + _P2) * f + _P1) * f + _P0
    for i in range(_BLOCK):
        values[i] *= scale[i]


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _log(values, bits, scale):
    """values <- log(values) in place for positive normal numbers, by atanh series about one."""
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


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _softmax_numerators(logits, first, bins, start, stop, out, total, bits, scale):
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


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _scale_to_bins(numerators, total, bins, smallest):
    """numerators <- smallest + (1 - bins * smallest) * softmax, the bin sizes."""
    for i in range(_BLOCK):
        total[i] = (_ONE - np.float32(bins) * smallest) / total[i]
    for j in range(bins):
        row = numerators[j]
        for i in range(_BLOCK):
            row[i] = smallest + total[i] * row[i]


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _locate(sizes, bins, x, index, edge, size):
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


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _select(sizes, bins, index, edge, size):
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


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _slopes(logits, bins, start, stop, index, lower, upper):
    """Derivative logits at the two knots of bin ``index``."""
    n = stop - start
    for i in range(_BLOCK):
        lower[i] = np.float32(0)
        upper[i] = np.float32(0)
    for i in range(n):
        knot = 2 * bins + np.int64(index[i])
        lower[i] = logits[knot, start + i]
        upper[i] = logits[knot + 1, start + i]


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _softplus(logit, smallest, out, slope, bits, scale):
    """out = smallest + softplus(logit), slope = its derivative."""
    series = np.empty(_BLOCK, np.float32)
    for i in range(_BLOCK):
        out[i] = -abs(logit[i])
    _exp(out, bits, scale)
    for i in range(_BLOCK):
        inverse = _ONE / (_ONE + out[i])
        t, given = out[i], logit[i]
        slope[i] = inverse if given >= np.float32(0) else t * inverse
        # 1 + t would lose the digits of a small t.
        series[i] = t * (_ONE - t * (_HALF - t * np.float32(1 / 3)))
        out[i] += _ONE
    _log(out, bits, scale)
    for i in range(_BLOCK):
        expansion, logarithm, given = series[i], out[i], logit[i]
        value = expansion if expansion < np.float32(0.01) else logarithm
        out[i] = smallest + value + (given if given > np.float32(0) else np.float32(0))


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def inverse_kernel(logits, x, bins, smallest_bin, smallest_slope, z, log_slope):
    """Spline x -> z and log dz/dx; coordinates outside [0, 1] pass unchanged."""
    features, _, events = logits.shape
    bits = np.empty(_BLOCK, np.int32)
    scale = bits.view(np.float32)
    widths = np.zeros((bins, _BLOCK), np.float32)
    heights = np.zeros((bins, _BLOCK), np.float32)
    index = np.zeros(_BLOCK, np.float32)
    work = np.zeros((12, _BLOCK), np.float32)
    xb, total, xk, wk, yk, hk = work[0], work[1], work[2], work[3], work[4], work[5]
    u0, u1, d0, d1, unused, log_arg = work[6], work[7], work[8], work[9], work[10], work[11]
    for d in range(features):
        for start in range(0, events, _BLOCK):
            stop = min(start + _BLOCK, events)
            n = stop - start
            for i in range(n):
                xb[i] = x[d, start + i]
            _softmax_numerators(logits[d], 0, bins, start, stop, widths, total, bits, scale)
            _scale_to_bins(widths, total, bins, smallest_bin)
            _locate(widths, bins, xb, index, xk, wk)
            _softmax_numerators(logits[d], bins, bins, start, stop, heights, total, bits, scale)
            _scale_to_bins(heights, total, bins, smallest_bin)
            _select(heights, bins, index, yk, hk)
            _slopes(logits[d], bins, start, stop, index, u0, u1)
            _softplus(u0, smallest_slope, d0, unused, bits, scale)
            _softplus(u1, smallest_slope, d1, unused, bits, scale)
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
            for i in range(n):
                inside = (xb[i] >= np.float32(0)) and (xb[i] <= _ONE)
                value = yk[i] if yk[i] < _ONE else _ONE
                slope = log_arg[i]
                # NaN logits make yk NaN; comparison and polynomials above would lose that.
                if yk[i] != yk[i]:
                    value = slope = yk[i]
                z[d, start + i] = value if inside else xb[i]
                log_slope[d, start + i] = slope if inside else np.float32(0)


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def _softmax_gradient(sizes, bins, smallest, index, before, here, edge, size, target, start, n):
    """Gradient of the logits when each bin before ``index`` gets ``before`` and that bin ``here``."""
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


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def inverse_gradient_kernel(
    logits, x, bins, smallest_bin, smallest_slope, grad_z, grad_log_slope, grad_logits, grad_x
):
    """Gradients of ``inverse_kernel`` with respect to logits and coordinates."""
    features, _, events = logits.shape
    bits = np.empty(_BLOCK, np.int32)
    scale = bits.view(np.float32)
    widths = np.zeros((bins, _BLOCK), np.float32)
    heights = np.zeros((bins, _BLOCK), np.float32)
    index = np.zeros(_BLOCK, np.float32)
    work = np.zeros((18, _BLOCK), np.float32)
    xb, total, xk, wk, yk, hk = work[0], work[1], work[2], work[3], work[4], work[5]
    u0, u1, d0, d1, slope0, slope1 = work[6], work[7], work[8], work[9], work[10], work[11]
    gz, gl, g_edge, g_width, g_top, g_height = (
        work[12], work[13], work[14], work[15], work[16], work[17],
    )  # fmt: skip
    for d in range(features):
        target = grad_logits[d]
        for start in range(0, events, _BLOCK):
            stop = min(start + _BLOCK, events)
            n = stop - start
            for i in range(n):
                xb[i] = x[d, start + i]
                inside = (xb[i] >= np.float32(0)) and (xb[i] <= _ONE)
                gz[i] = grad_z[d, start + i] if inside else np.float32(0)
                gl[i] = grad_log_slope[start + i] if inside else np.float32(0)
            _softmax_numerators(logits[d], 0, bins, start, stop, widths, total, bits, scale)
            _scale_to_bins(widths, total, bins, smallest_bin)
            _locate(widths, bins, xb, index, xk, wk)
            _softmax_numerators(logits[d], bins, bins, start, stop, heights, total, bits, scale)
            _scale_to_bins(heights, total, bins, smallest_bin)
            _select(heights, bins, index, yk, hk)
            _slopes(logits[d], bins, start, stop, index, u0, u1)
            _softplus(u0, smallest_slope, d0, slope0, bits, scale)
            _softplus(u1, smallest_slope, d1, slope1, bits, scale)
            for i in range(_BLOCK):
                w = wk[i]
                h = hk[i]
                theta = (xb[i] - xk[i]) / w
                rest = _ONE - theta
                t = theta * rest
                tilt = _ONE - _TWO * theta
                s = h / w
                bend = d1[i] + d0[i] - _TWO * s
                a = s * theta * theta + d0[i] * t
                inv = _ONE / (s + bend * t)
                q = d1[i] * theta * theta + _TWO * s * t + d0[i] * rest * rest
                inv_q = _ONE / q
                # z = y_k + h a / den and l = 2 log s + log q - 2 log den, by theta, s, d0, d1.
                pull = gz[i] * h * inv
                a_theta = _TWO * s * theta + d0[i] * tilt
                q_theta = _TWO * (d1[i] * theta + s * tilt - d0[i] * rest)
                g_theta = pull * (a_theta - a * bend * tilt * inv)
                g_theta += gl[i] * (q_theta * inv_q - _TWO * bend * tilt * inv)
                flat = _ONE - _TWO * t
                g_s = pull * (theta * theta - a * flat * inv)
                g_s += gl[i] * _TWO * (_ONE / s + t * inv_q - flat * inv)
                common = pull * a * t * inv + gl[i] * _TWO * t * inv
                slope0[i] *= pull * t + gl[i] * rest * rest * inv_q - common
                slope1[i] *= gl[i] * theta * theta * inv_q - common
                g_edge[i] = -g_theta / w
                g_width[i] = -(g_theta * theta + g_s * s) / w
                g_top[i] = gz[i]
                g_height[i] = gz[i] * a * inv + g_s / w
            for i in range(n):
                inside = (xb[i] >= np.float32(0)) and (xb[i] <= _ONE)
                grad_x[d, start + i] = -g_edge[i] if inside else grad_z[d, start + i]
            _softmax_gradient(
                widths, bins, smallest_bin, index, g_edge, g_width, xk, wk, target, start, n
            )
            _softmax_gradient(
                heights, bins, smallest_bin, index, g_top, g_height, yk, hk, target[bins:], start, n
            )
            for j in range(bins + 1):
                out = target[2 * bins + j, start:stop]
                position = np.float32(j)
                for i in range(n):
                    lower, upper = slope0[i], slope1[i]
                    value = lower if position == index[i] else np.float32(0)
                    out[i] = upper if position == index[i] + _ONE else value


@numba.njit(fastmath=_FAST, error_model="numpy", cache=True)
def forward_kernel(logits, z, bins, smallest_bin, smallest_slope, x, log_slope):
    """Inverse spline z -> x and log dz/dx at that x; coordinates outside [0, 1] pass unchanged."""
    features, _, events = logits.shape
    bits = np.empty(_BLOCK, np.int32)
    scale = bits.view(np.float32)
    widths = np.zeros((bins, _BLOCK), np.float32)
    heights = np.zeros((bins, _BLOCK), np.float32)
    index = np.zeros(_BLOCK, np.float32)
    work = np.zeros((12, _BLOCK), np.float32)
    zb, total, xk, wk, yk, hk = work[0], work[1], work[2], work[3], work[4], work[5]
    u0, u1, d0, d1, unused, log_arg = work[6], work[7], work[8], work[9], work[10], work[11]
    for d in range(features):
        for start in range(0, events, _BLOCK):
            stop = min(start + _BLOCK, events)
            n = stop - start
            for i in range(n):
                zb[i] = z[d, start + i]
            _softmax_numerators(logits[d], bins, bins, start, stop, heights, total, bits, scale)
            _scale_to_bins(heights, total, bins, smallest_bin)
            _locate(heights, bins, zb, index, yk, hk)
            _softmax_numerators(logits[d], 0, bins, start, stop, widths, total, bits, scale)
            _scale_to_bins(widths, total, bins, smallest_bin)
            _select(widths, bins, index, xk, wk)
            _slopes(logits[d], bins, start, stop, index, u0, u1)
            _softplus(u0, smallest_slope, d0, unused, bits, scale)
            _softplus(u1, smallest_slope, d1, unused, bits, scale)
            for i in range(_BLOCK):
                s = hk[i] / wk[i]
                rise = zb[i] - yk[i]
                bend = d0[i] + d1[i] - _TWO * s
                b = hk[i] * d0[i] - rise * bend
                c = -s * rise
                discriminant = b * b - np.float32(4) * (rise * bend + hk[i] * (s - d0[i])) * c
                discriminant = np.float32(0) if discriminant < np.float32(0) else discriminant
                # c < 0 <= rise, so this root does not cancel (Durkan 2019, eq. 29).
                theta = _TWO * c / (-b - np.sqrt(discriminant))
                theta = _ONE if theta > _ONE else theta
                rest = _ONE - theta
                t = theta * rest
                ratio = s / (s + bend * t)
                q = d1[i] * theta * theta + _TWO * s * t + d0[i] * rest * rest
                log_arg[i] = ratio * ratio * q
                xk[i] += theta * wk[i]
            _log(log_arg, bits, scale)
            for i in range(n):
                inside = (zb[i] >= np.float32(0)) and (zb[i] <= _ONE)
                value = xk[i] if xk[i] < _ONE else _ONE
                slope = log_arg[i]
                if xk[i] != xk[i]:
                    value = slope = xk[i]
                x[d, start + i] = value if inside else zb[i]
                log_slope[d, start + i] = slope if inside else np.float32(0)
