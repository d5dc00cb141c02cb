"""Attributes in one view of clustered images, of which it is known which are useful."""

import numpy as np

from workbench.evaluation.refit import Pool


def planted_pool(seed, *, useful=5, useless=5, twins=0, photographs=40, images=20, folds=5) -> Pool:
    """Return a pool: useful attributes, then useless ones, then copies of the first.

    Every attribute, useful or not, takes after its photograph; so does what the target is more than
    the useful ones say. Folds differ a little, as towers tuned on different photographs do.
    """
    generator = np.random.default_rng(seed)
    photograph = np.repeat(np.arange(photographs), images)

    def columns(count):
        own = 0.5 * generator.random((len(photograph), count))
        return own + 0.25 * generator.random((photographs, count))[photograph]

    good, chance = columns(useful), columns(useless)
    target = good @ np.linspace(0.15, 0.25, useful)
    target += 0.03 * generator.normal(size=photographs)[photograph]
    target += 0.05 * generator.normal(size=len(photograph))
    known = np.concatenate([good, chance, *[good[:, :1]] * twins], axis=1)
    told = [known + 0.02 * generator.normal(size=known.shape) for _ in range(folds)]
    for of_fold in told:
        of_fold[:, useful + useless :] = of_fold[:, [0] * twins]
    fold_of = generator.permutation(photographs)[photograph] % folds
    inputs = np.stack(told).clip(0, 1).astype(np.float32)[:, :, None]
    return Pool(inputs, fold_of, target, photograph)


def names(count):
    return tuple(("jpeg", f"trace {number}") for number in range(count))
