"""The Gaussian process against equations computed another way: high-precision arithmetic, finite differences, brute force."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.search.frame import Frame
from luthier.search.gaussian.acquisition import Acquisition
from luthier.search.gaussian.ascent import climb
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.fit import fitted, objective
from luthier.search.gaussian.kernel import Hyperparameters, Kernel, warped
from luthier.search.gaussian.normal import log_h, log_h_slope, log_ndtr_slope
from luthier.search.gaussian.outputs import TRANSFORMS, Outputs, cleaned
from luthier.search.gaussian.posterior import condition
from luthier.search.gaussian.priors import prior_for
from luthier.search.gaussian.success import Success
from luthier.search.sobol import Sobol
from luthier.testing.searcher import endless_space, finite_space

FAMILIES = ["matern52", "squared exponential"]


def plain(lengths, signal=1.0, noise=1e-12):
    return Hyperparameters(
        np.log(np.array(lengths)), np.empty(0), float(np.log(signal)), float(np.log(noise))
    )


def some(n=12, scales=3, levels=(2, 4), seed=0):
    chance = np.random.default_rng(seed)
    codes = [chance.integers(0, count, (n, 1)) for count in levels]
    return np.hstack([chance.random((n, scales)), *codes]).astype(float), chance.normal(size=n)


def test_the_workshop_s_posterior():
    kernel = Kernel(1, (), "squared exponential")  # exp(-|x - x'|²): a lengthscale of 1/√2
    posterior = condition(
        kernel, plain([0.5**0.5], noise=1e-14), np.array([[1.0], [2.0], [3.0]]), np.array([0.2, 1.0, 1.4])
    )
    mean, variance = posterior.predict(np.array([[1.5]]))
    assert mean[0, 0] == pytest.approx(0.547082, abs=1e-6)
    assert variance[0] == pytest.approx(0.097741, abs=1e-6)


def test_the_laboratory_s_numbers():
    kernel = Kernel(1, (), "squared exponential")  # 1 · exp(-½ · 10 · (x - y)²)
    y = np.array([1.84953662, -1.38822096])
    posterior = condition(kernel, plain([10**-0.5], noise=1e-14), np.array([[1.0], [-0.7]]), y)
    mean, variance = posterior.predict(np.array([[0.0], [1.0]]))
    assert mean[:, 0] == pytest.approx([-0.107333, y[0]], abs=1e-6)
    assert variance == pytest.approx([0.992508, 0.0], abs=1e-6)


def exact(u):
    u = mpmath.mpf(float(u))
    density, below = mpmath.exp(-u * u / 2) / mpmath.sqrt(2 * mpmath.pi), mpmath.erfc(-u / mpmath.sqrt(2)) / 2
    return density + u * below, density, below


def test_log_h_and_its_slope_against_high_precision():
    with mpmath.workdps(80):
        for u in np.concatenate([-np.logspace(6, -6, 300), np.linspace(-30, 30, 301)]):
            h, _, below = exact(u)
            value, slope = log_h(np.array([u]))[0], log_h_slope(np.array([u]))[0]
            assert abs(value - mpmath.log(h)) <= 1e-8 * abs(mpmath.log(h)), u
            assert abs(slope - below / h) <= 1e-8 * abs(below / h), u


def test_the_slope_of_log_phi_against_high_precision():
    with mpmath.workdps(60):
        for u in np.linspace(-200, 30, 231):
            _, density, below = exact(u)
            assert log_ndtr_slope(np.array([u]))[0] == pytest.approx(
                float(density / below), rel=1e-8, abs=1e-250
            )


def brute(kernel, a, b, h):
    """k(a, b) from its definition."""
    x, y = a[: kernel.scales], b[: kernel.scales]
    if h.warps is not None:
        x, y = (1 - (1 - v ** np.exp(h.warps[0])) ** np.exp(h.warps[1]) for v in (x, y))
    r2 = (((x - y) / np.exp(h.lengths)) ** 2).sum()
    root = np.sqrt(5 * r2)
    g = (
        np.exp(-0.5 * r2)
        if kernel.family == "squared exponential"
        else (1 + root + root**2 / 3) * np.exp(-root)
    )
    differ = a[kernel.scales :] != b[kernel.scales :]
    return np.exp(h.signal) * g * np.exp(-(np.exp(h.differences) * differ).sum())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("warp", [False, True])
def test_the_kernel_is_its_definition(family, warp):
    X, _ = some()
    kernel = Kernel(3, (2, 4), family)
    prior = prior_for(kernel, warp=warp)
    h = kernel.hyperparameters(prior.centre + 0.3 * np.random.default_rng(1).normal(size=len(prior.centre)))
    expected = [[brute(kernel, a, b, h) for b in X] for a in X]
    assert kernel.covariance(X, X, h) == pytest.approx(np.array(expected), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("warp", [False, True])
def test_the_likelihood_s_gradient_against_finite_differences(family, warp):
    X, y = some(30)
    kernel = Kernel(3, (2, 4), family)
    prior = prior_for(kernel, warp=warp)
    vector = prior.centre + 0.3 * np.random.default_rng(2).normal(size=len(prior.centre))
    _, gradient = objective(kernel, prior, X, y, vector)
    step = 1e-5
    for k, unit in enumerate(np.eye(len(vector))):
        up, down = (objective(kernel, prior, X, y, vector + s * step * unit)[0] for s in (1, -1))
        assert gradient[k] == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-4), k


def test_the_warp_s_slopes_against_finite_differences():
    x = np.random.default_rng(0).uniform(0.05, 0.95, (6, 2))
    warps = np.array([[0.3, -0.4], [-0.2, 0.5]])
    w, dx, da, db = warped(x, warps)
    assert ((w > 0) & (w < 1)).all()
    step = 1e-6
    assert dx == pytest.approx(
        (warped(x + step, warps)[0] - warped(x - step, warps)[0]) / (2 * step), rel=1e-5
    )
    for row, slope in ((0, da), (1, db)):
        shift = np.zeros((2, 2))
        shift[row] = step
        assert slope == pytest.approx(
            (warped(x, warps + shift)[0] - warped(x, warps - shift)[0]) / (2 * step), rel=1e-5
        )


def fitted_posterior(n=12, noise=0.01, warp=False):
    X, y = some(n)
    kernel = Kernel(3, (2, 4))
    prior = prior_for(kernel, warp=warp)
    return condition(kernel, kernel.hyperparameters(prior.centre)._replace(noise=float(np.log(noise))), X, y)


def test_leave_one_out_is_really_leaving_one_out():
    posterior = fitted_posterior()
    mean, variance = posterior.leave_one_out()
    for i in range(len(mean)):
        kept = np.arange(len(mean)) != i
        rest = condition(posterior.kernel, posterior.h, posterior.X[kept], posterior.Y[kept, 0])
        m, v = rest.predict(posterior.X[i : i + 1])
        assert (mean[i], variance[i]) == pytest.approx((m[0, 0], v[0] + posterior.noise), rel=1e-8)


def test_the_likelihood_is_that_of_a_multivariate_normal():
    from scipy.stats import multivariate_normal

    posterior = fitted_posterior()
    K = posterior.kernel.covariance(posterior.X, posterior.X, posterior.h) + posterior.noise * np.eye(12)
    assert posterior.log_likelihood() == pytest.approx(
        multivariate_normal(np.zeros(12), K).logpdf(posterior.Y[:, 0])
    )


def test_imagined_results_are_believed_like_real_ones():
    posterior = fitted_posterior()
    P, _ = some(3, seed=5)
    worlds = posterior.imagined(P, np.random.default_rng(3).standard_normal((3, 4)))
    Q, _ = some(5, seed=6)
    mean, variance = worlds.predict(Q)
    for w in range(4):
        again = condition(posterior.kernel, posterior.h, worlds.X, worlds.Y[:, w])
        m, v = again.predict(Q)
        assert mean[:, w] == pytest.approx(m[:, 0], rel=1e-7, abs=1e-9)
        assert variance == pytest.approx(v, rel=1e-7, abs=1e-12)


def test_imagined_results_have_the_joint_distribution():
    posterior = fitted_posterior()
    P, _ = some(3, seed=5)
    worlds = posterior.imagined(P, np.random.default_rng(3).standard_normal((3, 40_000)))
    mean, covariance = posterior.joint(P)
    drawn = worlds.Y[-3:]
    assert drawn.mean(axis=1) == pytest.approx(mean[:, 0], abs=0.02)
    assert np.cov(drawn) == pytest.approx(covariance + posterior.noise * np.eye(3), abs=0.02)


def test_in_a_realised_world_the_function_is_known():
    posterior = fitted_posterior(noise=0.3)
    worlds = posterior.realised(np.empty((0, 5)), np.random.default_rng(3).standard_normal((12, 40_000)))
    mean, covariance = posterior.joint(posterior.X)
    assert worlds.Y.mean(axis=1) == pytest.approx(mean[:, 0], abs=0.02)
    assert np.cov(worlds.Y) == pytest.approx(covariance, abs=0.02)
    assert (worlds.predict(posterior.X)[1] < 1e-3).all()


@pytest.mark.parametrize("rule", ["ei", "ucb"])
@pytest.mark.parametrize("running", [0, 2])
@pytest.mark.parametrize("fails", [False, True])
def test_the_acquisition_s_gradient_against_finite_differences(rule, running, fails):
    posterior = fitted_posterior()
    if running:
        P, _ = some(running, seed=5)
        posterior = posterior.imagined(P, np.random.default_rng(3).standard_normal((running, 8)))
    success = Success(fitted_posterior(9, noise=0.1), 0.2) if fails else None
    best = np.full(posterior.Y.shape[1], -0.5)
    acquisition = Acquisition(posterior, best, rule, 2.0, success)
    Q, _ = some(6, seed=8)
    value, gradient = acquisition.gradient(Q)
    assert value == pytest.approx(acquisition.values(Q), rel=1e-9)
    step = 1e-6
    for k in range(3):
        shift = np.zeros_like(Q)
        shift[:, k] = step
        slope = (acquisition.values(Q + shift) - acquisition.values(Q - shift)) / (2 * step)
        assert gradient[:, k] == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_the_logarithm_of_expected_improvement_is_that_of_its_integral():
    from scipy.integrate import quad
    from scipy.stats import norm

    posterior = fitted_posterior()
    Q, _ = some(4, seed=9)
    mean, variance = posterior.predict(Q)
    values = Acquisition(posterior, np.array([0.1])).values(Q)
    for m, v, value in zip(mean[:, 0], variance, values, strict=True):
        whole, _ = quad(lambda y, m=m, v=v: (0.1 - y) * norm.pdf(y, m, v**0.5), m - 12 * v**0.5, 0.1)
        assert value == pytest.approx(np.log(whole), rel=1e-6)


def test_fitting_never_ends_below_its_start():
    X, y = some(25)
    kernel = Kernel(3, (2, 4))
    prior = prior_for(kernel)
    best = fitted(kernel, prior, X, y, [prior.centre])
    assert objective(kernel, prior, X, y, best)[0] < objective(kernel, prior, X, y, prior.centre)[0]
    assert (best >= prior.low).all() and (best <= prior.high).all()


@pytest.mark.parametrize("space", [finite_space(), endless_space()], ids=["finite", "endless"])
def test_covariances_of_conditional_spaces_are_positive_definite(space):
    from luthier.history import History

    frame = Frame(space)
    features = Features(frame)
    made = Sobol().propose(space, History(), 1, range(1, 60))
    X = features.of(frame.encode([p.configuration for p in made]))
    kernel = Kernel(features.scales, features.levels)
    K = kernel.covariance(X, X, kernel.hyperparameters(prior_for(kernel).centre))
    assert np.linalg.eigvalsh(K).min() > -1e-9
    assert np.linalg.eigvalsh(K)[-1] > 0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=30))
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("error")
def test_outputs_keep_the_order_whatever_comes(losses):
    kept = cleaned(np.array(losses))
    assert np.isfinite(kept).all()
    order = np.argsort(kept, kind="stable")
    for transform in TRANSFORMS:
        outputs = Outputs.of(kept, transform)
        assert np.isfinite(outputs.y).all()
        assert (np.diff(outputs.y[order]) >= -1e-12).all()


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=30, unique=True))
@settings(max_examples=100, deadline=None)
def test_outputs_can_be_undone(losses):
    array = np.array(losses)
    for transform in TRANSFORMS:
        outputs = Outputs.of(array, transform)
        back = outputs.back(outputs.y)
        differ = np.abs(np.subtract.outer(outputs.y, outputs.y)) + np.eye(len(array)) > 1e-9
        if differ.all():
            assert back == pytest.approx(array, rel=1e-6, abs=1e-6 * np.ptp(array))


def test_climbs_reach_the_top_of_a_bent_ridge():
    def ridge(x, which):
        a, b = x[:, 0] - 0.3, x[:, 1] - 0.8
        return -(100 * a**2 + b**2 + 5 * a * b), -np.stack([200 * a + 5 * b, 2 * b + 5 * a], axis=1)

    starts = np.random.default_rng(0).random((6, 2))
    reached, value = climb(ridge, starts, np.ones(2), steps=60)
    assert reached == pytest.approx(np.tile([0.3, 0.8], (6, 1)), abs=1e-3)
    assert value == pytest.approx(np.zeros(6), abs=1e-4)


def test_climbs_end_on_the_walls_of_the_box():
    def slope(x, which):
        return x[:, 0] - 2 * x[:, 1], np.tile([1.0, -2.0], (len(x), 1))

    reached, value = climb(slope, np.full((3, 2), 0.5), np.ones(2))
    assert reached == pytest.approx(np.tile([1.0, 0.0], (3, 1)))
    assert value == pytest.approx(np.ones(3))
